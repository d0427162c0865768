"""Reading a search's work dir without touching it, also while the search runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
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
        scored: candidates that were scored in full, in the order in which they were scored.
        counts: how many candidates came to which other end; only what is known.
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
    scored = []
    for file in sorted(work_dir.glob('candidates*.jsonl')):
        complete = file.read_text(encoding='utf-8', errors='replace').rpartition('\n')[0]
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                scored.append(Candidate.from_json(line))
            except UserError as error:
                raise UserError(f'{file} line {number} is {error}; remove the line') from error
    rejected = max((candidate.index for candidate in scored), default=-1) + 1 - len(scored)
    return Search(facts, scored, {'rejected': rejected})
