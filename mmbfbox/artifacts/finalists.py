"""``finalists/``: the networks of a search that are trained, and what became of each in each round.

Rounds are the rungs of one training, and then further trainings with other seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.artifacts.lines import read_arch
from mmbfbox.artifacts.numbers import from_json_numbers, to_json_numbers
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.space.arch import Arch

FINALISTS_FOLDER = 'finalists'
FINALISTS_FILE = 'finalists.json'
CANDIDATE, CONTROL, BASELINE = KINDS = ('candidate', 'control', 'baseline')


@dataclass(frozen=True)
class Finalist:
    """A network that is trained.

    Args:
        name: of its folder, like ``'candidate-00017'``; the same whatever else is trained.
        kind: ``'candidate'`` (among the best of the search), ``'control'`` (drawn at random) or
            ``'baseline'`` (a config of its own).
        arch: the arch; None of a baseline.
        candidate: its number in the search; None if the search has not scored it as a candidate.
        scores: AP with the supernet's weights, as fractions; empty if that is not known.
        costs: its costs by name.
    """

    name: str
    kind: str
    arch: Arch | None = None
    candidate: int | None = None
    scores: Mapping[str, float] = field(default_factory=dict)
    costs: Mapping[str, float] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return {
            **vars(self),
            'arch': self.arch and self.arch.to_dict(),
            'scores': to_json_numbers(self.scores),
            'costs': dict(self.costs),
        }

    @classmethod
    def from_plain(cls, data: Mapping[str, Any]) -> Finalist:
        """From the fields of a file."""
        arch, scores = data['arch'], from_json_numbers(data['scores'])
        return cls(**{**data, 'arch': arch and read_arch(arch), 'scores': scores})


@dataclass(frozen=True)
class FinalistsFile(Artifact):
    """``finalists.json``: what is trained, how long, and how many go on.

    Args:
        networks: the candidates by their score, the best first, then controls and the baseline.
        rungs: iterations after which the networks are compared, each counted from the start.
        keep: how many go on after each rung but the last.
        metric: the score that decides.
        training: fingerprint of how all are trained: data, schedule and seed.
        norm_statistics: which batch-norm statistics they are scored with.
        final: name of the config that trains the winner.
        repeats: how many are trained whole again with the first other seed, with the second, and so on.
    """

    KIND: ClassVar[str] = 'the list of finalists of a search'
    ADVICE: ClassVar[str] = 'move the folder away, and the same command trains them anew'

    networks: tuple[Finalist, ...]
    rungs: list[int]
    keep: list[int]
    metric: str
    training: str
    norm_statistics: str
    final: str
    repeats: list[int] = field(default_factory=list)

    @property
    def rounds(self) -> list[str]:
        """Names of the rungs, then of the repeats: ``['rung1', 'rung2', 'repeat1']``."""
        parts = dict(rung=self.rungs, repeat=self.repeats)
        return [f'{kind}{n}' for kind, part in parts.items() for n in range(1, len(part) + 1)]

    @property
    def goes_on(self) -> list[int]:
        """How many go on after each round but the last."""
        return [*self.keep, *self.repeats]

    def iterations_of(self, number: int) -> int:
        """Iterations after which a round, counted from 1, ends; of a repeat those of a whole training."""
        return self.rungs[min(number, len(self.rungs)) - 1]

    def steps_of(self, number: int) -> int:
        """Iterations that a round, counted from 1, adds to the training of a network."""
        goes_on_from = self.rungs[number - 2] if 1 < number <= len(self.rungs) else 0
        return self.iterations_of(number) - goes_on_from

    def steps_left(self, number: int, trained: int) -> int:
        """Iterations of all trainings to come when so many networks of a round are trained."""
        sizes = [len(self.networks), *self.goes_on]
        left = (sizes[number - 1] - trained) * self.steps_of(number)
        later = range(number + 1, len(sizes) + 1)
        return max(0, left) + sum(sizes[other - 1] * self.steps_of(other) for other in later)

    def __getitem__(self, name: str) -> Finalist:
        """The network of a name."""
        return next(network for network in self.networks if network.name == name)

    def to_plain(self) -> dict[str, Any]:
        """The fields as JSON has them."""
        return {**vars(self), 'networks': [network.to_plain() for network in self.networks]}

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> FinalistsFile:
        """From the fields of a file."""
        networks = tuple(map(Finalist.from_plain, data['networks']))
        return cls(**{**data, 'networks': networks})


@dataclass(frozen=True)
class RoundResult(Artifact):
    """``rung1.json`` or ``repeat1.json`` of a network: how it did, or why it was lost.

    Args:
        record: of the training from its start up to the end of the round, with its scores on the held-out
            images.
        error: why the training did not come to its end, as one sentence.
    """

    KIND: ClassVar[str] = "a finalist's result in a round"
    ADVICE: ClassVar[str] = 'remove it, and the same command makes it anew'

    record: RunRecord | None = None
    error: str | None = None

    def to_plain(self) -> dict[str, Any]:
        """As plain values."""
        return dict(record=self.record.to_plain()) if self.record else dict(error=self.error)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> RoundResult:
        """From plain values."""
        record = data.get('record')
        if record is None and not isinstance(data.get('error'), str):
            raise ValueError('neither a record nor an error')
        return cls(record and RunRecord.from_plain(record), data.get('error'))


def network_folder(work_dir: str | Path, name: str) -> Path:
    """Where a network is trained."""
    return Path(work_dir) / FINALISTS_FOLDER / name


def result_file(work_dir: str | Path, name: str, of_round: str) -> Path:
    """Where a network's result in a round is or will be.

    Args:
        work_dir: of the search.
        name: of the network.
        of_round: one of :attr:`FinalistsFile.rounds`.
    """
    return network_folder(work_dir, name) / f'{of_round}.json'
