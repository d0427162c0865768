"""The mean of the scores with the weights of several checkpoints of one supernet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from mmbfbox.search.scoring.interface import Keep, Scorer
from mmbfbox.space import Arch


class MeanOfCheckpoints:
    """A scorer that averages what others say: noise of the last steps of a training cancels.

    Args:
        scorers: one for each checkpoint, of one config; the given checkpoint's first.
        fingerprints: of the checkpoints, in the same order.
    """

    SPEED_ONLY: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, scorers: Sequence[Scorer], fingerprints: Sequence[str]) -> None:
        self.scorers = list(scorers)
        self.images = scorers[0].images
        self._identity = {**scorers[0].identity(), 'checkpoints': list(fingerprints)}

    def identity(self) -> dict[str, Any]:
        """That of the scorers, and which checkpoints these are."""
        return self._identity

    def prepare(self, archs: Iterable[Arch]) -> list[Arch]:
        """The order that suits all of them: they are of one kind."""
        archs = list(archs)
        first, *_ = [scorer.prepare(archs) for scorer in self.scorers]
        return first

    def score(self, arch: Arch, keep: Keep | None = None) -> dict[str, float]:
        """The mean of each score. Whoever prunes wants scores of parts, which have no mean.

        Raises:
            ScoreError: a checkpoint cannot score it.
        """
        assert keep is None, 'the config has no pruner beside several checkpoints'
        every = [scorer.score(arch) for scorer in self.scorers]
        return {name: sum(scores[name] for scores in every) / len(every) for name in every[0]}
