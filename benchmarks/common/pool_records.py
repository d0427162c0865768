"""The records of the pool's trainings."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.pool import Member, Pool
from benchmarks.common.recorded_runs import Network, RecordedRuns
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.errors import UserError

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


def seeds_deviation(seeds: Seeds, metric: str) -> float:
    """Standard deviation of a score between the seeds of a network, pooled over the networks.

    Args:
        seeds: the records.
        metric: ``'easy'``, ``'medium'`` or ``'hard'``.

    Raises:
        UserError: no network has two seeds.
    """
    groups = [
        [record.scores[metric] for record in records.values()]
        for records in seeds.values()
        if len(records) > 1
    ]
    if not groups:
        raise UserError(
            'no network of the pool has two seeds; run benchmarks/pool/train.py --data DATA first, '
            'which begins with them'
        )
    squares = sum(float(np.var(group)) * len(group) for group in groups)
    return math.sqrt(squares / sum(len(group) - 1 for group in groups))
