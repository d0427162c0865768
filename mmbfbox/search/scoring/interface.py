"""What every scorer agrees on: its interface, the order of the images, what it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Protocol

from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.export import subnet_weights
from mmbfbox.space import Arch

Keep = Callable[[int, dict[str, float]], bool]
"""Asked after each part of the held-out images but the last, with the images scored so far and AP so far;
False gives the candidate up."""

DEFAULT_PARTS = 4


class ScoreError(UserError):
    """This candidate cannot be scored; others may well be."""


class Scorer(Protocol):
    """Gives AP ``easy``, ``medium`` and ``hard`` of an arch, as fractions.

    Attributes:
        SPEED_ONLY: the keys of its config that change the speed and no score.
        images: names of the ``recalibration`` and of the ``held_out`` images that scores depend on.
    """

    SPEED_ONLY: ClassVar[frozenset[str]]
    images: dict[str, list[str]]

    def identity(self) -> dict[str, Any]:
        """Everything about this scorer that scores depend on, as plain values with all defaults.

        These are its ``type``, the batch sizes of held-out and of recalibration images, and its keys but
        for those in ``SPEED_ONLY``. Two scorers of the same identity give the same scores.
        """
        ...

    def prepare(self, archs: Iterable[Arch]) -> list[Arch]:
        """Prepare for scoring these archs one after the other.

        Returns:
            The archs in the order in which that is cheapest. Scores do not depend on it.
        """
        ...

    def score(self, arch: Arch, keep: Keep | None = None) -> dict[str, float]:
        """Score one arch.

        Args:
            arch: an arch of the supernet's space.
            keep: asked after each part of the images but the last; on False AP so far is returned.

        Raises:
            ScoreError: this arch cannot be scored.
        """
        ...


def batches_in_parts(images: int, batch_size: int, parts: int) -> list[list[list[int]]]:
    """Image numbers of each batch of each part.

    Batches are consecutive images. A part takes every ``parts``-th batch, because held-out images stand
    event by event: consecutive parts would show some events first. There are fewer parts if there are
    fewer batches.

    Example:
        >>> batches_in_parts(7, 2, 2)
        [[[0, 1], [4, 5]], [[2, 3], [6]]]
    """
    batches = [
        list(range(start, min(start + batch_size, images)))
        for start in range(0, images, batch_size)
    ]
    return [batches[part::parts] for part in range(min(parts, len(batches)))]


def check_finite(weights: Mapping[str, Tensor], arch: Arch) -> None:
    """Check that no weight that the subnet uses is NaN or infinite.

    Args:
        weights: state dict of the supernet, or a part of it.
        arch: an arch of its space.

    Raises:
        ScoreError: one is; it is named.
    """
    for name, tensor in subnet_weights(weights, arch).items():
        # Running statistics are computed anew.
        if '.running_' not in name and not tensor.isfinite().all():
            raise ScoreError(
                f"the weights {name} of the candidate are not finite: the supernet's training has "
                f'diverged; train it with a lower learning rate'
            )
