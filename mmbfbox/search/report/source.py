"""A search's work dir, sorted out for the report; the search may still be running."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbfbox.search.storage.candidates import PLAN, Candidate, read_results


@dataclass(frozen=True)
class Search:
    """What a work dir holds.

    Args:
        facts: the search's identity, name to plain value.
        scored: candidates that were scored on all images, in the order of their numbers.
        stopped, failed: how many were stopped by racing, and could not be scored.
        wanted: how many candidates were asked for; None if that is not known.
        rejected: how many proposals were turned away before scoring, by reason; None if that is not
            known.
    """

    facts: Mapping[str, Any]
    scored: list[Candidate]
    stopped: int = 0
    failed: int = 0
    wanted: int | None = None
    rejected: Mapping[str, int] | None = None


def read_search(work_dir: str | Path) -> Search:
    """Read a work dir, without changing it.

    Raises:
        UserError: there is no search, or its files are damaged.
    """
    facts, candidates = read_results(work_dir)
    try:
        plan = json.loads((Path(work_dir) / PLAN).read_text())
    except (OSError, ValueError):
        plan = {}
    return sort_out(facts, candidates, plan)


def sort_out(
    facts: Mapping[str, Any], candidates: Iterable[Candidate], plan: Mapping[str, Any]
) -> Search:
    """Tell the candidates that were scored on all images from the others.

    Args:
        facts: the search's identity.
        candidates: one for each index, by index.
        plan: what :func:`~mmbfbox.search.storage.work_dir.write_plan` notes.
    """
    candidates = list(candidates)
    return Search(
        facts,
        [candidate for candidate in candidates if candidate.complete],
        sum(candidate.stopped is not None for candidate in candidates),
        sum(candidate.error is not None for candidate in candidates),
        plan.get('wanted'),
        plan.get('rejected'),
    )
