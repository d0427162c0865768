"""The search loop: plan a round, share it among the processes, score, write down; killed, it goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.plan import PLAN_FILE, Plan
from mmbfbox.artifacts.search import SearchFile
from mmbfbox.errors import UserError
from mmbfbox.search.constraints import (
    CandidateFilter,
    Constraints,
    CostCounter,
    Proposal,
    Proposals,
)
from mmbfbox.search.denoising import ranked
from mmbfbox.search.distributed import PATIENCE, Processes
from mmbfbox.search.objective import Objective
from mmbfbox.search.progress import Progress
from mmbfbox.search.pruner import Pruner, PruningMonitor
from mmbfbox.search.samplers import Sampler
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.search.storage.candidates import CandidatesFile
from mmbfbox.search.storage.shared import SharedStorage
from mmbfbox.search.storage.work_dir import opened
from mmbfbox.space import Arch

CHUNKS_A_PROCESS = 8
"""Pieces that a round is cut into for each process, if the config does not say how large they are."""

MOST_IN_A_CHUNK = 64


@dataclass
class SearchLoop:
    """Scores candidates until there are enough.

    Args:
        sampler: proposes archs in rounds.
        scorer: scores them.
        costs: counts their costs.
        constraints: rejects before scoring.
        work_dir: holds ``search.json`` (what was searched) and ``candidates*.jsonl``.
        identity: what must be the same when a search is run again: space, seed, supernet, images.
        metric: score that orders them, ``'hard'``, ``'medium'``, ``'easy'`` or ``'mean'``.
        latency: measures milliseconds of an arch; None does not measure.
        pruner: stops candidates that are clearly behind; None scores all on all images.
        chunk: candidates that a process takes at once; None chooses.
        proxies: gives zero-cost scores of an arch; None gives none.
        processes: the processes that share this search.
        progress: told about every candidate.

    Attributes:
        ending: after :meth:`run`, why there are fewer candidates than were asked for; None if there are not.
    """

    sampler: Sampler
    scorer: Scorer
    costs: CostCounter
    constraints: Constraints
    work_dir: Path
    identity: SearchFile
    metric: str = 'hard'
    latency: Callable[[Arch], float] | None = None
    pruner: Pruner | None = None
    chunk: int | None = None
    proxies: Callable[[Arch], dict[str, float]] | None = None
    processes: Processes = field(default_factory=Processes)
    progress: Progress | None = None
    ending: str | None = field(default=None, init=False)

    def run(self, candidates: int) -> list[Candidate] | None:
        """Search until ``candidates`` have been dealt with; what is there already is not scored again.

        Where there are fewer archs, the search ends with all of them, and :attr:`ending` says so.

        Returns:
            Those scored on all images, the best first; None on a process that others outlast.

        Raises:
            UserError: the work dir holds another search or is in use; the constraints reject everything; the
                disk is full; candidates fail one after the other; or another process's results are needed
                and do not come.
        """
        with (
            self.processes.working(),
            opened(self.work_dir, self.identity, self.processes) as folder,
        ):
            self._open(folder, candidates)
            self._all_rounds(folder, candidates)
            if self.progress:
                self.progress.end()
            if not self.processes.last('end'):
                return None
            best = self.ranked()
        if len(self.dealt_with) < candidates:
            failed = sum(self.storage.final[index].error is not None for index in self.dealt_with)
            self.ending = self.candidate_filter.ending(failed)
        if not best:
            raise UserError(
                f'none of the {len(self.storage.final)} candidates could be scored; {self.work_dir} '
                f'says why, one line each'
            )
        return best

    def ranked(self) -> list[Candidate]:
        """Those scored on all images by any process, the best first; when all have come to the end.

        Raises:
            UserError: results of other processes are not to be seen.
        """
        self._see_all()
        return ranked(self.storage.final.values(), self.metric)

    def release(self) -> None:
        """Give up the supernet, the images and their memory; nothing can be scored any more."""
        del self.scorer, self.objective
        self.proxies = None
        self.latency = None

    def _open(self, folder: Path, candidates: int) -> None:
        rank = self.processes.rank
        self.file = CandidatesFile(folder / f'candidates{f".rank{rank}" if rank else ""}.jsonl')
        self.storage = SharedStorage(folder)
        self.storage.refresh()
        self.candidate_filter = CandidateFilter(
            self.costs, self.constraints, self.latency, self.sampler.space.networks
        )
        self.objective = Objective(self.scorer, self.metric, self.proxies)
        if self.progress:
            self.progress.begin(candidates, self.storage.final.values())

    def _all_rounds(self, folder: Path, candidates: int) -> None:
        number = index = planned = 0
        self.dealt_with: set[int] = set()
        while planned < candidates:
            if number:
                # The round depends on the results of all processes.
                self.processes.meet(f'round {number}')
                self._see_all()
            proposals, index = self._plan(number, index, candidates - planned)
            planned += len(proposals)
            exhausted = self.candidate_filter.exhausted
            wanted = planned if exhausted else candidates
            if self.progress and wanted < candidates:
                self.progress.wanted = wanted
            if self.processes.rank == 0 and planned >= len(self.storage.final):
                plan = Plan(wanted, planned, dict(self.candidate_filter.rejected))
                plan.write(folder / PLAN_FILE)
            if not proposals:
                break
            earlier = [c for i, c in self.storage.at_round_end.items() if i < proposals[0].index]
            lowest = self.pruner.thresholds(earlier, self.metric) if self.pruner else {}
            self._work(f'round {number}', proposals, lowest)
            self.dealt_with |= {proposal.index for proposal in proposals}
            number += 1
            if exhausted:
                break
        if self.pruner:
            self._complete_stopped(self.pruner)

    def _see_all(self) -> None:
        """Read the results of all processes, whenever the shared folder shows them."""
        self.storage.wait_for(self.dealt_with, PATIENCE if self.processes.size > 1 else 0)

    def _plan(self, number: int, index: int, left: int) -> tuple[list[Proposal], int]:
        """The proposals of a round, and the number of the first proposal of the next one."""
        size = self.sampler.size(number) or (self.pruner.round if self.pruner else left)
        proposals = Proposals(self.candidate_filter, index, min(size, left))
        at_round_end = self.storage.at_round_end
        earlier = [
            at_round_end[i] for i in sorted(at_round_end) if i < index and at_round_end[i].complete
        ]

        def propose() -> None:
            self.sampler.propose(number, earlier, proposals)

        if self.latency is None:
            propose()
        else:
            if self.progress and self.processes.rank == 0:
                self.progress.note(
                    f'measuring the latency of what could be {min(size, left)} candidates'
                )
            # Process 0 measures while nobody else computes; the others read what it measured.
            self.processes.first(f'latencies of round {number}', propose)
            if self.processes.rank:
                propose()
        for proposal in proposals.accepted:
            known = self.storage.final.get(proposal.index)
            if known is not None and known.arch != proposal.arch:
                raise UserError(
                    f'candidate {proposal.index} of {self.work_dir} is not the one that this search '
                    f'proposes; it was written by another version: choose another work dir'
                )
        return proposals.accepted, proposals.index

    def _work(self, key: str, proposals: Sequence[Proposal], lowest: Mapping[int, float]) -> None:
        """Score the proposals of a round that have no result yet, together with the other processes.

        What is skipped are results of earlier runs: within a run every chunk belongs to one process.
        """
        known = {proposal.index: self.storage.final.get(proposal.index) for proposal in proposals}
        # A failed candidate gets another chance as long as nothing was built upon its failure.
        open_round = None in known.values()
        done = {i for i, c in known.items() if c and (c.error is None or not open_round)}
        self._share(key, proposals, done, lowest)

    def _share(
        self,
        key: str,
        proposals: Sequence[Proposal],
        done: AbstractSet[int],
        lowest: Mapping[int, float],
    ) -> None:
        """Score the chunks that fall to this process, but for the proposals that are done."""
        by_arch = {proposal.arch: proposal for proposal in proposals}
        ordered = [
            by_arch[arch] for arch in self.scorer.prepare([proposal.arch for proposal in proposals])
        ]
        length = self.chunk or len(proposals)
        if self.processes.size > 1 and not self.chunk:
            length = max(
                1, min(MOST_IN_A_CHUNK, length // (CHUNKS_A_PROCESS * self.processes.size))
            )
        while (start := self.processes.draw(key) * length) < len(ordered):
            left = [
                proposal.arch
                for proposal in ordered[start : start + length]
                if proposal.index not in done
            ]
            for arch in self.scorer.prepare(left):
                self._deal_with(by_arch[arch], lowest)

    def _complete_stopped(self, pruner: Pruner) -> None:
        """Score to the end what could belong to the best after all."""
        tried: set[int] = set()
        while True:
            self.processes.meet(f'completions {len(tried)}')
            self.storage.refresh()
            could = pruner.could_be_best(list(self.storage.final.values()), self.metric)
            candidates = [candidate for candidate in could if candidate.index not in tried]
            if not candidates:
                return
            if self.progress:
                self.progress.note(f'scoring {len(candidates)} stopped candidates to the end')
            proposals = [Proposal(c.index, c.arch, c.costs) for c in candidates]
            self._share(f'completed {len(tried)}', proposals, set(), {})
            tried |= {candidate.index for candidate in candidates}

    def _deal_with(self, proposal: Proposal, lowest: Mapping[int, float]) -> None:
        """Score one candidate and write down what came of it."""
        candidate = self.objective.evaluate(
            proposal, PruningMonitor(self.metric, lowest) if self.pruner else None
        )
        self.file.append(candidate)
        if self.progress:
            self.progress(candidate)
        self.objective.check(candidate)
