"""The evolutionary search of SPOS (Single Path One-Shot NAS, Guo et al. 2020, algorithm 1)."""

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


class EvolutionSampler(RandomSampler):
    """Generations bred from the best candidates so far.

    The first generation is random. Half of each later one are mutants of the ``top`` best of all earlier
    generations, half are crossings of two of them; what cannot be filled with new archs that way is
    random. The defaults are those of SPOS, which the paper's table 8 uses, too; its 20 generations are
    1,000 candidates.

    Args:
        space: the space.
        seed: seed of all draws.
        metric: the score that is maximised.
        population: candidates of a generation (P). Defaults to 50.
        top: how many of the best are parents (k). Defaults to 10.
        mutation: probability that a mutant draws a slot or merge anew. Defaults to 0.1.

    Raises:
        UserError: a value is out of range.
    """

    def __init__(
        self,
        space: JointSpace,
        seed: int = 0,
        metric: str = 'hard',
        population: int = 50,
        top: int = 10,
        mutation: float = 0.1,
    ) -> None:
        super().__init__(space, seed)
        check_at_least_one(population=population, top=top)
        check_probability(mutation)
        self.metric, self.population, self.top, self.mutation = metric, population, top, mutation

    def size(self, number: int) -> int | None:
        """Every generation is as large."""
        return self.population

    def propose(self, number: int, earlier: Sequence[Candidate], proposals: Proposals) -> None:
        """Fill a generation."""
        parents = [candidate.arch for candidate in best_first(earlier, self.metric)[: self.top]]

        def mutant(index: int) -> Arch:
            parent = Draw(self.seed, index, PARENTS).pick(parents)
            return self.space.mutate(parent, self.seed, index, self.mutation)

        def crossing(index: int) -> Arch:
            draw = Draw(self.seed, index, PARENTS)
            pair = draw.pick(parents), draw.pick(parents)
            return self.space.crossover(*pair, self.seed, index)

        if number and parents:
            half = self.population // 2
            breed(proposals, half, mutant)
            breed(proposals, self.population - half, crossing)
        super().propose(number, earlier, proposals)
