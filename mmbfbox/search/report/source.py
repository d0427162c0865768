"""Reading a search's work dir without touching it, also while the search runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.search.results import Candidate


@dataclass(frozen=True)
class Search:
    """What a work dir holds.

    Args:
        facts: the search's identity, name to plain value.
        scored: candidates that were scored in full, in the order of their numbers.
        counts: how many candidates were ``rejected`` before scoring (too dear, or known), ``stopped`` by
            racing, and ``failed``.
    """

    facts: Mapping[str, Any]
    scored: list[Candidate]
    counts: Mapping[str, int]


def read_search(work_dir: str | Path) -> Search:
    """Read the header and all result files, one for each rank.

    A line that is being written at this moment is left out.

    Raises:
        UserError: there is no search, or a line is damaged.
    """
    work_dir = Path(work_dir)
    header = work_dir / 'search.json'
    try:
        facts = json.loads(header.read_text())
    except OSError as error:
        raise UserError(
            f'there is no search in {work_dir} (no {header.name}); give the work dir of tools/search.py'
        ) from error
    except ValueError as error:
        raise UserError(f'{header} is damaged; give the work dir of another search') from error
    found: list[Candidate] = []
    for file in sorted(work_dir.glob('candidates*.jsonl')):
        complete = file.read_text(encoding='utf-8', errors='replace').rpartition('\n')[0]
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                found.append(Candidate.from_json(line))
            except UserError as error:
                raise UserError(f'{file} line {number} is {error}; remove the line') from error
    return sort_out(facts, found)


def sort_out(facts: Mapping[str, Any], found: Iterable[Candidate]) -> Search:
    """Tell the candidates that were scored in full from those that were stopped or failed.

    A candidate that was stopped or failed first and was scored in full later counts as scored.
    """
    # The best end of an index comes last, and stays.
    last = {candidate.index: candidate for candidate in sorted(found, key=_end, reverse=True)}
    ends = [_end(candidate) for candidate in last.values()]
    return Search(
        facts,
        [last[index] for index in sorted(last) if _end(last[index]) == _SCORED],
        {
            'rejected': max(last, default=-1) + 1 - len(last),
            'stopped': ends.count(_STOPPED),
            'failed': ends.count(_FAILED),
        },
    )


_SCORED, _STOPPED, _FAILED = range(3)


def _end(candidate: Candidate) -> int:
    """How a candidate ended; searches without racing do not note it."""
    if getattr(candidate, 'error', None) is not None:
        return _FAILED
    return _SCORED if getattr(candidate, 'stopped', None) is None else _STOPPED
