"""Which arch to score next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mmbfbox.search.results import Candidate
from mmbfbox.space import Arch, JointSpace


class Strategy(Protocol):
    """Proposes archs; the searcher drops those that are too dear or were scored already."""

    def propose(self, index: int, scored: Sequence[Candidate]) -> Arch:
        """The ``index``-th proposal: a pure function of the index and what was scored before it."""
        ...


class RandomStrategy:
    """Uniformly random archs (paper, section 4.4).

    Args:
        space: the space.
        seed: seed of the sequence.
    """

    def __init__(self, space: JointSpace, seed: int = 0) -> None:
        self.space = space
        self.seed = seed

    def propose(self, index: int, scored: Sequence[Candidate]) -> Arch:
        """The ``index``-th sample; what was scored does not matter."""
        return self.space.sample(self.seed, index)
