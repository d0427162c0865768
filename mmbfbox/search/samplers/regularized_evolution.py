"""Regularised evolution: the oldest die, not the worst (Real et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.constraints import Proposals
from mmbfbox.search.samplers.base import (
    PARENTS,
    RandomSampler,
    breed,
    check_at_least_one,
    check_probability,
)
from mmbfbox.search.storage.candidates import best_first
from mmbfbox.space import Arch, JointSpace
from mmbfbox.space.draw import Draw


class RegularizedEvolutionSampler(RandomSampler):
    """A population in which every child replaces the oldest member.

    A parent is the best of ``tournament`` members drawn with replacement, and its mutant is the child.
    Children come in batches that are bred from the same population, so that several processes can score
    them; a batch of 1 is the published algorithm.

    Args:
        space: the space.
        seed: seed of all draws.
        metric: the score that is maximised.
        population: living candidates. Defaults to 100.
        tournament: members that compete for being a parent. Defaults to 25.
        batch: children of a round. Defaults to 10.
        mutation: probability that a child draws a slot or merge anew. Defaults to 0.1.

    Raises:
        UserError: a value is out of range.
    """

    def __init__(
        self,
        space: JointSpace,
        seed: int = 0,
        metric: str = 'hard',
        population: int = 100,
        tournament: int = 25,
        batch: int = 10,
        mutation: float = 0.1,
    ) -> None:
        super().__init__(space, seed)
        check_at_least_one(population=population, tournament=tournament, batch=batch)
        check_probability(mutation)
        self.metric, self.mutation = metric, mutation
        self.population, self.tournament, self.batch = population, tournament, batch

    def size(self, number: int) -> int | None:
        """The first population, then batches of children."""
        return self.batch if number else self.population

    def propose(self, number: int, earlier: Sequence[Candidate], proposals: Proposals) -> None:
        """Breed a batch; what cannot be filled with new archs is random."""
        living = [candidate for candidate in earlier if candidate.complete][-self.population :]

        def child(index: int) -> Arch:
            draw = Draw(self.seed, index, PARENTS)
            rivals = [draw.pick(living) for _ in range(self.tournament)]
            parent = best_first(rivals, self.metric)[0]
            return self.space.mutate(parent.arch, self.seed, index, self.mutation)

        if number and living:
            breed(proposals, proposals.wanted, child)
        super().propose(number, earlier, proposals)
