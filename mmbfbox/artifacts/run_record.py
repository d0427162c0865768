"""A finished training with its test, small enough to be kept in the repository."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.artifacts.numbers import from_json_numbers, to_json_numbers
from mmbfbox.artifacts.training_record import TrainingRecord


@dataclass(frozen=True)
class RunRecord(Artifact):
    """What one training of a benchmark gave, and how to make it again.

    Attributes:
        name: of what was trained, like an ingredient or the number of an arch.
        config: that was trained, by the name under which the package ships it.
        options: what was changed in it, dotted key to value.
        arch: of a searched network, as text.
        recipe: hash of those settings that decide the weights and the test, without the seed.
        crops: training images that the network has seen, each time counted.
        curve: pairs of an iteration and the mean loss since the pair before.
        loss: mean over the last fifth of the training. All trainings of one data order see the same
            crops, so it is less noisy than AP.
        scores: easy, medium and hard AP, as fractions; NaN where no face counts.
        training: how it was trained: seed, hash of the config, time, versions, device, commit.
    """

    KIND: ClassVar[str] = 'the record of a run'
    ADVICE: ClassVar[str] = 'remove it, and the same command makes it anew'

    name: str
    config: str
    training: TrainingRecord
    crops: int
    curve: list[list[float]]
    loss: float
    scores: dict[str, float]
    options: dict[str, Any] = field(default_factory=dict)
    arch: str | None = None
    recipe: str | None = None

    def score(self, metric: str) -> float:
        """AP of a subset, or the mean of the three under ``'mean'``."""
        if metric == 'mean':
            return sum(self.scores[name] for name in ('easy', 'medium', 'hard')) / 3
        return self.scores[metric]

    def to_plain(self) -> dict[str, Any]:
        """As plain values."""
        scores = to_json_numbers(self.scores)
        return {**super().to_plain(), 'training': asdict(self.training), 'scores': scores}

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> RunRecord:
        """From plain values."""
        training, scores = TrainingRecord(**data['training']), from_json_numbers(data['scores'])
        return cls(**{**data, 'training': training, 'scores': scores})
