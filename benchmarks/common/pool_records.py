"""The records of the pool's trainings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common.pool import FINAL, Member, Pool, read_pool
from benchmarks.common.pool_scores import read_scores, score_columns
from benchmarks.common.pool_statistics import Floats, Measured, without_common_effects
from benchmarks.common.recorded_runs import Network, RecordedRuns
from benchmarks.common.side_by_side import Job
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.errors import UserError
from mmbfbox.search.denoising import arch_features

SEEDS = 10
"""Records of seeds from here on are not looked for."""

Seeds = Mapping[Member, Mapping[int, RunRecord]]
"""The records of each network, by seed."""


class PoolRecords:
    """Reads and makes the records of a pool.

    Args:
        pool: the networks.
        runs: how each is trained, and where records lie.
        options: changes of the training, dotted key to value.
    """

    def __init__(
        self, pool: Pool, runs: RecordedRuns, options: Mapping[str, Any] | None = None
    ) -> None:
        self.pool = pool
        self.runs = runs
        self.options = dict(options or {})

    def network(self, member: Member) -> Network:
        """What is trained."""
        return Network(self.pool.network(member), str(member.arch))

    def path(self, member: Member, seed: int, kind: str | None = None) -> Path:
        """Where a record is, or will be.

        Args:
            member: the network.
            seed: of the training.
            kind: of batch-norm statistics, if they are not those that training left.
        """
        return self.runs.record_path(f'{member.name}-{kind}' if kind else member.name, seed)

    def again_path(self, member: Member, seed: int) -> Path:
        """Where the record goes that is made again."""
        return self._again().work_dir / f'{member.name}-seed{seed}.json'

    def _again(self) -> RecordedRuns:
        runs = self.runs
        return RecordedRuns(runs.group, runs.config, runs.data, runs.work_dir / 'again')

    def read(self, member: Member, seed: int, kind: str | None = None) -> RunRecord | None:
        """A record; None where there is none.

        Raises:
            UserError: it is damaged, or of another config or another network.
        """
        path = self.path(member, seed, kind)
        if not path.is_file():
            return None
        record = self.runs.read(path, self.options, self.network(member))
        if record.arch != str(member.arch) or record.training.seed != seed:
            raise UserError(
                f'{path} is the record of another network or seed than its name says; remove it, and '
                'benchmarks/pool/train.py makes it anew'
            )
        return record

    def make(self, member: Member, seed: int, again: bool = False) -> RunRecord:
        """Train and test.

        Args:
            member: the network.
            seed: of weights and data order.
            again: beside the record that is there.

        Raises:
            UserError: a step fails.
        """
        runs = self._again() if again else self.runs
        path = self.again_path(member, seed) if again else self.path(member, seed)
        return runs.make(path, member.name, seed, self.options, self.network(member))

    def job(self, member: Member, seed: int) -> Job:
        """A training, for several at a time."""
        return Job(member.name, seed, self.options, self.network(member))

    def test_again(self, member: Member, seed: int, kind: str) -> RunRecord:
        """Test with other batch-norm statistics, where that is not on record."""
        arguments = ('--norm-statistics', kind)
        return self.runs.test_again(
            member.name, seed, self.options, kind, arguments, self.network(member)
        )

    def all_seeds(self, kind: str | None = None) -> Seeds:
        """All records of the networks that have one, by seed.

        Raises:
            UserError: one is damaged or another's.
        """
        found = {}
        for member in self.pool.members:
            read = {seed: self.read(member, seed, kind) for seed in range(SEEDS)}
            records = {seed: record for seed, record in read.items() if record}
            if records:
                found[member] = records
        return found


SCORES = {'easy': 100.0, 'medium': 100.0, 'hard': 100.0, 'loss': 1.0}
"""What a record measures, and the factor to its unit in tables."""


def read_records(kind: str | None = None) -> Seeds:
    """All records of the light space's pool.

    Args:
        kind: of batch-norm statistics, if they are not those that training left.

    Raises:
        UserError: one is damaged or another's.
    """
    runs = RecordedRuns('pool', FINAL, Path('data'), Path('work_dirs/pool'))
    return PoolRecords(read_pool(), runs).all_seeds(kind)


def measured(seeds: Seeds, score: str) -> Measured:
    """A score of the records, without what a seed on one device does to all networks alike.

    Args:
        seeds: the records.
        score: one of :data:`SCORES`.
    """
    values = [
        {
            (seed, record.training.device): record.loss if score == 'loss' else record.scores[score]
            for seed, record in records.items()
        }
        for records in seeds.values()
    ]
    members = list(seeds)
    return Measured(
        tuple(member.name for member in members),
        np.array([member.backbone for member in members], dtype=np.int64),
        np.array([member.topology for member in members], dtype=np.int64),
        *without_common_effects(values),
    )


def all_columns(records: Seeds) -> dict[str, Floats]:
    """Every score that could order the networks of the records."""
    pool, members = read_pool(), list(records)
    costs = [pool.costs.detector(member.arch) for member in members]
    known = {
        'multiply-adds': [cost.macs for cost in costs],
        'parameters': [cost.params for cost in costs],
    }
    return score_columns(members, read_scores(), known)


def losses_until(records: Seeds, share: float) -> Floats:
    """Mean training loss of the last fifth of the first share of a training, of the first seed.

    Args:
        records: of networks ``(N,)``.
        share: of a whole training.
    """
    found = []
    for of_seeds in records.values():
        record = of_seeds[min(of_seeds)]
        end = share * record.training.iterations
        losses = [loss for iteration, loss in record.curve if iteration <= end]
        found.append(float(np.mean(losses[-max(1, len(losses) // 5) :])))
    return np.array(found)


def shrunk(records: Seeds, score: Floats) -> NDArray[np.bool_]:
    """Which networks stay when choices are dropped that are worse beyond their error.

    A choice or merge drops out whose networks have a mean score that is below that of all others by more
    than 1.64 standard errors.

    Args:
        records: of networks ``(N,)``.
        score: ``(N,)``.
    """
    features = arch_features([member.arch for member in records])
    left = np.ones(len(score), dtype=bool)
    for column in features.matrix.T:
        has = column > 0
        if min(has.sum(), (~has).sum()) < 3:
            continue
        error = np.sqrt(score[has].var(ddof=1) / has.sum() + score[~has].var(ddof=1) / (~has).sum())
        if score[has].mean() - score[~has].mean() + 1.64 * error < 0:
            left &= ~has
    return left if left.any() else np.ones(len(score), dtype=bool)
