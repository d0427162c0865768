"""The search loop: plan a round, share it among the ranks, score, write down; killed, it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.search.admission import Gate, Proposals, Task
from mmbfbox.search.constraints import Costs, Limits
from mmbfbox.search.distributed import Ranks
from mmbfbox.search.objective import Trials
from mmbfbox.search.progress import Progress
from mmbfbox.search.pruner import Judge, Race
from mmbfbox.search.samplers import Strategy
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.search.storage.candidates import Candidate, ResultsFile, best_first
from mmbfbox.search.storage.shared import Ledger
from mmbfbox.search.storage.work_dir import opened, write_plan
from mmbfbox.space import Arch

CHUNKS_A_RANK = 8
"""Pieces that a round is cut into for each rank, if the config does not say how large they are."""

MOST_IN_A_CHUNK = 64


@dataclass
class Searcher:
    """Scores candidates until there are enough.

    Args:
        strategy: proposes archs in rounds.
        scorer: scores them.
        costs: counts their costs.
        limits: rejects before scoring.
        work_dir: holds ``search.json`` (what was searched) and ``candidates*.jsonl``.
        identity: plain values that must be the same when a search is run again: space, seed, supernet,
            images.
        metric: score that ranks, ``'hard'``, ``'medium'`` or ``'easy'``.
        latency: measures milliseconds of an arch; None does not measure.
        race: stops candidates that are clearly behind; None scores all on all images.
        chunk: candidates that a rank takes at once; None chooses.
        ranks: the processes that share this search.
        progress: told about every candidate.
    """

    strategy: Strategy
    scorer: Scorer
    costs: Costs
    limits: Limits
    work_dir: Path
    identity: Mapping[str, Any]
    metric: str = 'hard'
    latency: Callable[[Arch], float] | None = None
    race: Race | None = None
    chunk: int | None = None
    ranks: Ranks = field(default_factory=Ranks)
    progress: Progress | None = None

    def run(self, candidates: int) -> list[Candidate] | None:
        """Search until ``candidates`` have been dealt with; what is there already is not scored again.

        Returns:
            Those scored on all images, the best first; None on a rank that others outlast.

        Raises:
            UserError: the work dir holds another search or is in use; the limits reject everything; the
                disk is full; candidates fail one after the other; or another rank's results are needed
                and do not come.
        """
        with (
            self.ranks.working(),
            opened(self.work_dir, self.identity, self.ranks) as folder,
        ):
            self._open(folder, candidates)
            self._all_rounds(folder, candidates)
            if self.progress:
                self.progress.end()
            if not self.ranks.last('end'):
                return None
            self.ledger.refresh()
        ranked = best_first(self.ledger.final.values(), self.metric)
        if not ranked:
            raise UserError(
                f'none of the {len(self.ledger.final)} candidates could be scored; {self.work_dir} '
                f'says why, one line each'
            )
        return ranked

    def _open(self, folder: Path, candidates: int) -> None:
        rank = self.ranks.rank
        self.file = ResultsFile(folder / f'candidates{f".rank{rank}" if rank else ""}.jsonl')
        self.ledger = Ledger(folder)
        self.ledger.refresh()
        self.gate = Gate(self.costs, self.limits, self.latency)
        self.trials = Trials(self.scorer, self.metric)
        if self.progress:
            self.progress.begin(candidates, self.ledger.final.values())

    def _all_rounds(self, folder: Path, candidates: int) -> None:
        number = index = planned = 0
        while planned < candidates:
            if number:
                # The round depends on the results of all ranks.
                self.ranks.meet(f'round {number}')
                self.ledger.refresh()
            tasks, index = self._plan(number, index, candidates - planned)
            planned += len(tasks)
            if self.ranks.rank == 0 and planned >= len(self.ledger.final):
                write_plan(folder, candidates, planned, self.gate.rejected)
            earlier = [c for i, c in self.ledger.raced.items() if i < tasks[0].index]
            lowest = self.race.thresholds(earlier, self.metric) if self.race else {}
            self._work(f'round {number}', tasks, lowest)
            number += 1
        if self.race:
            self._complete_stopped(self.race)

    def _plan(self, number: int, index: int, left: int) -> tuple[list[Task], int]:
        """The tasks of a round, and the number of the first proposal of the next one."""
        size = self.strategy.size(number) or (self.race.round if self.race else left)
        proposals = Proposals(self.gate, index, min(size, left))
        raced = self.ledger.raced
        earlier = [raced[i] for i in sorted(raced) if i < index and raced[i].complete]

        def propose() -> None:
            self.strategy.propose(number, earlier, proposals)

        if self.latency is None:
            propose()
        else:
            if self.progress and self.ranks.rank == 0:
                self.progress.note(
                    f'measuring the latency of what could be {min(size, left)} candidates'
                )
            # Rank 0 measures while nobody else computes; the others read what it measured.
            self.ranks.first(f'latencies of round {number}', propose)
            if self.ranks.rank:
                propose()
        for task in proposals.tasks:
            known = self.ledger.final.get(task.index)
            if known is not None and known.arch != task.arch:
                raise UserError(
                    f'candidate {task.index} of {self.work_dir} is not the one that this search '
                    f'proposes; it was written by another version: choose another work dir'
                )
        return proposals.tasks, proposals.index

    def _work(self, key: str, tasks: Sequence[Task], lowest: Mapping[int, float]) -> None:
        """Score the tasks of a round that have no result yet, together with the other ranks.

        What is skipped are results of earlier runs: within a run every chunk belongs to one rank.
        """
        known = {task.index: self.ledger.final.get(task.index) for task in tasks}
        # A failed candidate gets another chance as long as nothing was built upon its failure.
        open_round = None in known.values()
        done = {i for i, c in known.items() if c and (c.error is None or not open_round)}
        self._share(key, tasks, done, lowest)

    def _share(
        self, key: str, tasks: Sequence[Task], done: AbstractSet[int], lowest: Mapping[int, float]
    ) -> None:
        """Score the chunks that fall to this rank, but for the tasks that are done."""
        by_arch = {task.arch: task for task in tasks}
        ordered = [by_arch[arch] for arch in self.scorer.order([task.arch for task in tasks])]
        length = self.chunk or len(tasks)
        if self.ranks.size > 1 and not self.chunk:
            length = max(1, min(MOST_IN_A_CHUNK, length // (CHUNKS_A_RANK * self.ranks.size)))
        while (start := self.ranks.draw(key) * length) < len(ordered):
            left = [task.arch for task in ordered[start : start + length] if task.index not in done]
            for arch in self.scorer.order(left):
                self._deal_with(by_arch[arch], lowest)

    def _complete_stopped(self, race: Race) -> None:
        """Score to the end what could belong to the best after all."""
        tried: set[int] = set()
        while True:
            self.ranks.meet(f'end of the race {len(tried)}')
            self.ledger.refresh()
            could = race.could_be_best(list(self.ledger.final.values()), self.metric)
            candidates = [candidate for candidate in could if candidate.index not in tried]
            if not candidates:
                return
            if self.progress:
                self.progress.note(f'scoring {len(candidates)} stopped candidates to the end')
            tasks = [Task(c.index, c.arch, c.costs) for c in candidates]
            self._share(f'completions {len(tried)}', tasks, set(), {})
            tried |= {candidate.index for candidate in candidates}

    def _deal_with(self, task: Task, lowest: Mapping[int, float]) -> None:
        """Score one candidate and write down what came of it."""
        candidate = self.trials.run(task, Judge(self.metric, lowest) if self.race else None)
        self.file.append(candidate)
        if self.progress:
            self.progress(candidate)
        self.trials.check(candidate)
