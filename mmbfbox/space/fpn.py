"""The space of feature pyramids: one merge for every target level (paper, section 4.2.2, figure 3)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from math import factorial, prod

from mmbfbox.errors import UserError
from mmbfbox.space.arch import Merge, is_node
from mmbfbox.space.draw import Draw

Merges = tuple[Merge, ...]


@dataclass(frozen=True)
class FpnSpace:
    """All wirings of a feature pyramid.

    Every target level gets one merge, in a sampled order. A merge adds to the level's own lateral any
    other candidate: another lateral, or the result of an earlier merge.

    Args:
        levels: levels that have a lateral, 2 (stride 4) to 7 (stride 128) in the paper.
        targets: levels that are merged; the others pass their lateral on. The paper has 2 to 6.
        fixed_order: merge from the coarsest target to the finest, instead of in a sampled order.
        allowed: what is left of the sources of each target where the space was shrunk, laterals among
            them; None for all of them.

    Raises:
        UserError: a target has no lateral, or there is nothing to merge with.

    Example:
        >>> space = FpnSpace(levels=(2, 3, 4), targets=(2, 3))
        >>> space.count
        12
        >>> space.sources(2, [Merge(3, 'c4')])
        ['c3', 'c4', 'p3']
        >>> print(space.problem((Merge(2, 'p3'), Merge(3, 'c4'))))
        "p2 = c2 + p3" is merge 1, where the sources are ['c3', 'c4']
    """

    levels: tuple[int, ...] = (2, 3, 4, 5, 6, 7)
    targets: tuple[int, ...] = (2, 3, 4, 5, 6)
    fixed_order: bool = False
    allowed: tuple[tuple[str, ...], ...] | None = None

    def __post_init__(self) -> None:
        for name in ('levels', 'targets'):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        if not set(self.targets) <= set(self.levels) or len(set(self.targets)) != len(self.targets):
            raise UserError(
                f'the FPN targets {self.targets} must be different levels out of {self.levels}'
            )
        if len(self.levels) < 2:
            raise UserError(f'an FPN needs at least two levels to merge, {self.levels} were given')

    @property
    def count(self) -> int:
        """How many wirings there are, counting every order of the merges."""
        if self.allowed is not None:
            return sum(self._ways(order) for order in self._orders())
        sources = prod(len(self.levels) - 1 + step for step in range(len(self.targets)))
        return sources * (1 if self.fixed_order else factorial(len(self.targets)))

    @property
    def networks(self) -> int:
        """How many wirings compute different functions: those of :meth:`Arch.canonical`.

        Every target takes a lateral or another target's result, so that no circle comes about: as many as
        rooted forests on the targets whose roots come in as many kinds as there are laterals to take
        (Cayley's formula).

        Example:
            >>> FpnSpace().networks
            50000
        """
        if self.fixed_order or not self.targets:
            return self.count
        if self.allowed is not None:
            return sum(
                all(len(set(chain)) == len(chain) for chain in _chains(self.targets, choice))
                for choice in product(*self.allowed)
            )
        laterals, targets = len(self.levels) - 1, len(self.targets)
        return int(laterals * (laterals + targets) ** (targets - 1))

    def _orders(self) -> Iterator[tuple[int, ...]]:
        """Every order of the targets."""
        yield from [self.targets[::-1]] if self.fixed_order else permutations(self.targets)

    def _ways(self, order: Sequence[int]) -> int:
        """How many wirings carry out their merges in this order."""
        merges = [Merge(target, '') for target in order]
        return prod(len(self.sources(t, merges[:step])) for step, t in enumerate(order))

    def sources(self, target: int, earlier: Merges | list[Merge]) -> list[str]:
        """Candidates that the merge of ``target`` may take after the ``earlier`` merges."""
        laterals = [f'c{level}' for level in self.levels if level != target]
        sources = laterals + [f'p{merge.target}' for merge in earlier]
        if self.allowed is None:
            return sources
        left = self.allowed[self.targets.index(target)]
        return [source for source in sources if source in left]

    def all_sources(self, target: int) -> list[str]:
        """Candidates that the merge of ``target`` may take in some wiring."""
        order = self.targets[::-1]
        earlier = order[: order.index(target)] if self.fixed_order else order
        return self.sources(target, [Merge(level, '') for level in earlier if level != target])

    def sample(self, draw: Draw) -> Merges:
        """A random wiring: uniform over the orders, and over the sources at each step."""
        order = self.targets[::-1] if self.fixed_order else draw.shuffled(self.targets)
        merges: list[Merge] = []
        for target in order:
            merges.append(Merge(target, draw.pick(self.sources(target, merges))))
        return tuple(merges)

    def problem(self, merges: Merges) -> str | None:
        """Why ``merges`` is not in this space, or None if it is."""
        order = tuple(merge.target for merge in merges)
        if tuple(sorted(order)) != self.targets:
            return f'its merges have the targets {order}, expected {self.targets} in any order'
        if self.fixed_order and order != self.targets[::-1]:
            return f'its merges come in the order {order}, expected {self.targets[::-1]}'
        for step, merge in enumerate(merges):
            sources = self.sources(merge.target, merges[:step])
            if not is_node(merge.source) or merge.source not in sources:
                return f'"{merge}" is merge {step + 1}, where the sources are {sources}'
        return None

    def mutate(self, merges: Merges, probability: float, draw: Draw) -> Merges:
        """Draw each source anew, and swap each merge with another one, with the given probability.

        A source that a swap has put after its user is drawn anew, too.
        """
        order = list(merges)
        for step in range(0 if self.fixed_order else len(order)):
            if draw.chance(probability):
                other = draw.below(len(order))
                order[step], order[other] = order[other], order[step]
        result: list[Merge] = []
        for merge in order:
            sources = self.sources(merge.target, result)
            keep = merge.source in sources and not draw.chance(probability)
            result.append(Merge(merge.target, merge.source if keep else draw.pick(sources)))
        return tuple(result)

    def crossover(self, first: Merges, second: Merges, draw: Draw) -> Merges:
        """Take the order of one parent, and each source from one of both where it is possible."""
        pair = (first, second)
        leader = draw.below(2)
        others = {merge.target: merge for merge in pair[1 - leader]}
        result: list[Merge] = []
        for merge in pair[leader]:
            other = others[merge.target]
            possible = other.source in self.sources(merge.target, result)
            result.append(other if possible and draw.chance(0.5) else merge)
        return tuple(result)


def _chains(targets: Sequence[int], sources: Sequence[str]) -> Iterator[list[str]]:
    """For each target the results that it needs one after the other, until a lateral or a repetition."""
    taken = {f'p{target}': source for target, source in zip(targets, sources, strict=True)}
    for start in taken:
        chain = [start]
        while taken[chain[-1]] in taken and len(set(chain)) == len(chain):
            chain.append(taken[chain[-1]])
        yield chain
