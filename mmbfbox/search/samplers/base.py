"""What a sampler is; the random one; what those that breed have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.errors import UserError
from mmbfbox.search.constraints import Proposals
from mmbfbox.space import Arch, JointSpace

PARENTS = 3
"""Stream of random numbers that chooses parents; the space itself uses 0, 1 and 2."""


class Sampler(Protocol):
    """Proposes archs in rounds.

    A round is a pure function of the seed and the results of all earlier rounds, whoever scored them and
    in whichever order: that is what makes a search independent of the number of processes and of kills.

    Attributes:
        space: what it proposes archs of.
    """

    space: JointSpace

    def size(self, number: int) -> int | None:
        """How many candidates the round has; None if all of them can be known at once."""
        ...

    def propose(self, number: int, earlier: Sequence[Candidate], proposals: Proposals) -> None:
        """Offer archs until ``proposals`` is full.

        Args:
            number: number of the round, from 0.
            earlier: all candidates of earlier rounds that were scored on all images, by index.
            proposals: takes the archs; it drops what breaks a constraint or was proposed already.
        """
        ...


class RandomSampler:
    """Uniformly random archs (paper, section 4.4).

    Args:
        space: the space.
        seed: seed of the sequence.
    """

    def __init__(self, space: JointSpace, seed: int = 0) -> None:
        self.space = space
        self.seed = seed

    def size(self, number: int) -> int | None:
        """All at once: no candidate depends on another one."""
        return None

    def propose(self, number: int, earlier: Sequence[Candidate], proposals: Proposals) -> None:
        """Go on with the sequence of samples; what was scored does not matter."""
        while not proposals.full:
            proposals.offer(self.space.sample(self.seed, proposals.index))


def breed(proposals: Proposals, count: int, child: Callable[[int], Arch]) -> None:
    """Offer up to ``count`` new children; give up after ten times as many tries, like SPOS.

    Args:
        proposals: takes them.
        count: how many to add at most.
        child: the child of a proposal's number.
    """
    enough = len(proposals.accepted) + count
    for _ in range(10 * count):
        if proposals.full or len(proposals.accepted) >= enough:
            return
        proposals.offer(child(proposals.index))


def check_at_least_one(**values: int) -> None:
    """Refuse sizes below 1.

    Raises:
        UserError: one is; it names it.
    """
    for name, value in values.items():
        if not isinstance(value, int) or value < 1:
            raise UserError(
                f"the sampler's {name} is {value!r}, expected a whole number of 1 or more"
            )


def check_probability(mutation: float) -> None:
    """Refuse a mutation probability that is none.

    Raises:
        UserError: it is not above 0 and at most 1.
    """
    if not 0 < mutation <= 1:
        raise UserError(f"the sampler's mutation is {mutation}, expected above 0 and at most 1")
