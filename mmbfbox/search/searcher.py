"""The search loop: propose, reject, score, write down; killed at any moment, it goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mmbfbox.errors import UserError
from mmbfbox.search.limits import Costs, Limits
from mmbfbox.search.results import Candidate, ResultsFile
from mmbfbox.search.strategy import Strategy
from mmbfbox.space import Arch
from mmbfbox.utils.files import atomic_write, make_writable_dir

TRIES_WITHOUT_LUCK = 20_000
"""Proposals rejected in a row before the limits are called impossible (a tenth of a second each 1,000)."""


class Scorer(Protocol):
    """Gives AP ``easy``, ``medium`` and ``hard`` of an arch."""

    def score(self, arch: Arch) -> dict[str, float]:
        """Score one arch."""
        ...


@dataclass
class Searcher:
    """Scores candidates until there are enough.

    Args:
        strategy: proposes archs.
        scorer: scores them.
        costs: counts their costs.
        limits: rejects before scoring.
        work_dir: holds ``search.json`` (what was searched) and ``candidates.jsonl``.
        identity: plain values that must be the same when a search is resumed: space, seed, supernet,
            images.
        metric: score that ranks, ``'hard'``, ``'medium'`` or ``'easy'``.
        report: called with every new candidate, all of them, and the number wanted.
    """

    strategy: Strategy
    scorer: Scorer
    costs: Costs
    limits: Limits
    work_dir: Path
    identity: dict[str, Any]
    metric: str = 'hard'
    report: Callable[[Candidate, Sequence[Candidate], int], None] | None = None

    def __post_init__(self) -> None:
        self.results = ResultsFile(Path(self.work_dir) / 'candidates.jsonl')

    def run(self, candidates: int, resume: bool = False) -> list[Candidate]:
        """Search until ``candidates`` are scored, and return them, the best first.

        Raises:
            UserError: the work dir holds another search, or one although ``resume`` is False; or the
                limits reject everything.
        """
        scored = self._open(resume)
        known = {candidate.arch.canonical() for candidate in scored}
        index = scored[-1].index + 1 if scored else 0
        unlucky: list[dict[str, int]] = []
        while len(scored) < candidates:
            arch = self.strategy.propose(index, scored)
            costs = self.costs.of(arch)
            if not self.limits.allow(costs) or arch.canonical() in known:
                unlucky.append(costs)
                if len(unlucky) == TRIES_WITHOUT_LUCK:
                    raise UserError(self._no_luck(unlucky))
            else:
                unlucky.clear()
                start = time.perf_counter()
                scores = self.scorer.score(arch)
                seconds = round(time.perf_counter() - start, 3)
                candidate = Candidate(
                    index,
                    arch,
                    scores,
                    costs['backbone_macs'],
                    costs['detector_macs'],
                    costs['params'],
                    seconds,
                )
                self.results.append(candidate)
                known.add(arch.canonical())
                scored.append(candidate)
                if self.report:
                    self.report(candidate, scored, candidates)
            index += 1
        return sorted(scored, key=lambda candidate: -candidate.scores[self.metric])

    def _open(self, resume: bool) -> list[Candidate]:
        """Check that the work dir is ours, and read what it holds."""
        folder = make_writable_dir(self.work_dir)
        header = folder / 'search.json'
        # Through JSON and back, so that tuples compare equal to lists.
        identity = json.loads(json.dumps(self.identity))
        if header.exists():
            if not resume:
                raise UserError(
                    f'{folder} already holds a search; continue it with --resume, or choose another '
                    f'work dir'
                )
            try:
                earlier = json.loads(header.read_text())
            except ValueError as error:
                raise UserError(f'{header} is damaged; start in another work dir') from error
            different = [
                f'{key} (there {earlier.get(key)!r}, here {identity.get(key)!r})'
                for key in sorted({*earlier, *identity})
                if earlier.get(key) != identity.get(key)
            ]
            if different:
                raise UserError(
                    f'{folder} holds another search, which differs in {"; ".join(different)}; '
                    f'choose another work dir'
                )
        else:
            with atomic_write(header) as path:
                path.write_text(json.dumps(identity, indent=2) + '\n')
        self.results.repair()
        return self.results.read()

    def _no_luck(self, costs: list[dict[str, int]]) -> str:
        """Why the search gave up, with the costs that it saw."""
        ranges = [
            f'{name} {min(cost[name] for cost in costs):.3g} to {max(cost[name] for cost in costs):.3g}'
            for name in costs[0]
        ]
        limits = {cost: dict(bound) for cost, bound in self.limits.bounds.items()}
        return (
            f'{len(costs)} proposals in a row were outside of the limits {limits} or scored already; '
            f'their costs were {", ".join(ranges)}: widen the limits or ask for fewer candidates'
        )


def fingerprint(value: bytes | Sequence[str]) -> str:
    """Twelve hexadecimal digits of a file's content or of a list of names."""
    data = value if isinstance(value, bytes) else '\n'.join(value).encode()
    return hashlib.sha256(data).hexdigest()[:12]
