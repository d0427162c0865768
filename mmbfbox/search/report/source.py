"""A search's work dir, sorted out for the report; the search may still be running."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.plan import PLAN_FILE, Plan
from mmbfbox.artifacts.search import SearchFile
from mmbfbox.search.storage.candidates import read_work_dir


@dataclass(frozen=True)
class Findings:
    """What a work dir holds.

    Args:
        search: what was searched.
        scored: candidates that were scored on all images, in the order of their numbers.
        stopped, failed: how many were pruned, and could not be scored.
        plan: how many candidates were asked for, and why others were rejected; None if that is not
            known.
    """

    search: SearchFile
    scored: list[Candidate]
    stopped: int = 0
    failed: int = 0
    plan: Plan | None = None


def read_findings(work_dir: str | Path) -> Findings:
    """Read a work dir, without changing it.

    Raises:
        UserError: there is no search, or its files are damaged.
    """
    search, candidates = read_work_dir(work_dir)
    path = Path(work_dir) / PLAN_FILE
    return sort_out(search, candidates, Plan.read(path) if path.exists() else None)


def sort_out(
    search: SearchFile, candidates: Iterable[Candidate], plan: Plan | None = None
) -> Findings:
    """Tell the candidates that were scored on all images from the others.

    Args:
        search: what was searched.
        candidates: one for each index, by index.
        plan: how far the search has got with choosing them.
    """
    candidates = list(candidates)
    return Findings(
        search,
        [candidate for candidate in candidates if candidate.complete],
        sum(candidate.stopped is not None for candidate in candidates),
        sum(candidate.error is not None for candidate in candidates),
        plan,
    )
