"""``pool_verdict.json``: what networks of a space that were trained from scratch say of its scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from mmbfbox.artifacts.arch import SpaceId
from mmbfbox.artifacts.base import Artifact


@dataclass(frozen=True)
class PoolVerdict(Artifact):
    """How well scores order the networks of a pool, and what a pick by them costs.

    Args:
        space: of the pool.
        networks: how many were trained.
        trainings: how often, all together.
        iterations: of a training.
        metric: the AP from scratch that is the truth.
        ceiling: Kendall's tau that a perfect score would reach through the noise of the trainings.
        taus: of each score: Kendall's tau with the truth, and the ends of its 95 % interval.
        regrets: of each way to choose: the number of trainings that a pick costs, as text, to how many
            points of AP it lies below the best network.
        repeated: the same where fewer networks are trained, the better ones of them with further seeds, by
            how many are trained with each seed, like ``'8 4 2 2'``.
    """

    KIND: ClassVar[str] = 'the verdict of a pool'
    ADVICE: ClassVar[str] = 'write it anew by benchmarks/pool/verdict.py'

    space: SpaceId
    networks: int
    trainings: int
    iterations: int
    metric: str
    ceiling: float
    taus: dict[str, list[float]]
    regrets: dict[str, dict[str, float]]
    repeated: dict[str, dict[str, float]] = field(default_factory=dict)

    def to_plain(self) -> dict[str, Any]:
        """The fields in the order of the file."""
        return {**vars(self), 'space': vars(self.space)}

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> PoolVerdict:
        """With the space's own fields."""
        return cls(**{**data, 'space': SpaceId(**data['space'])})
