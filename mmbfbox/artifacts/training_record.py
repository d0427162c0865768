"""training.json: what a training was made from, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mmbfbox.artifacts.base import Artifact


@dataclass(frozen=True)
class TrainingRecord(Artifact):
    """Stands beside the last checkpoint of a training.

    Attributes:
        config_hash: of the whole config that trained; it is the same wherever folders lie, and whether
            or not the training was interrupted.
        seed: of weights and data order.
        iterations: that were trained.
        seconds: that these took, loading of images included; without validation and checkpoints.
        losses: each loss as a mean over the last iterations.
        version: of this package.
        torch: version of torch.
        device: that trained.
        commit: of the checkout; None outside of one.
    """

    KIND: ClassVar[str] = 'the record of a training'

    config_hash: str
    seed: int | None
    iterations: int
    seconds: float
    losses: dict[str, float]
    version: str
    torch: str
    device: str
    commit: str | None = None
