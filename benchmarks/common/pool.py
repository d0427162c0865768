"""The pool: networks of one light space that are trained from scratch, to judge ways of ranking them.

It is a factorial: every backbone with every topology of the pyramid, all about equally expensive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.export.slicing import subnet_model
from mmbfbox.export.supernet import build_without_storage
from mmbfbox.models import cost_table
from mmbfbox.space import Arch, CostTable
from mmbfbox.space.blocks import SKIP
from mmbfbox.utils.config import load_config

SEARCH = 'light/0.5g/bfbox_search_light-0.5g_wider_mini.py'
"""Config of the search whose space is the pool's."""

FINAL = 'light/0.5g/bfbox_subnet_light-0.5g_wider_mini.py'
"""Config that trains a network from scratch."""

SEED = 0
BAND = 0.05
DRAWS = 2000

SEEDS_OF_PILOT = (0, 1, 2)
PILOT = 4


@dataclass(frozen=True)
class Member:
    """A network of the pool.

    Attributes:
        backbone: number of its backbone.
        topology: number of its topology.
        arch: the network.
        macs: its multiply-adds at the size that the search counts at.
    """

    backbone: int
    topology: int
    arch: Arch
    macs: int

    @property
    def name(self) -> str:
        """Like ``b03-m2``: backbone 3 with the merges 2."""
        return f'b{self.backbone:02d}-m{self.topology}'


@dataclass(frozen=True)
class Pool:
    """The networks of a pool, a pure function of a seed.

    The most expensive ones cost as much as the search allows, the cheapest ones ``2 * band`` less.

    Args:
        costs: of the space.
        limit: multiply-adds that the search allows.
        model: model config of the supernet.
        backbones: how many.
        topologies: how many.
        seed: of the draws.
        band: half the width of the band of multiply-adds, as a fraction of its middle.

    Raises:
        UserError: the space does not have so many within the band.
    """

    costs: CostTable
    limit: float
    model: Mapping[str, Any]
    backbones: int = 12
    topologies: int = 4
    seed: int = SEED
    band: float = BAND

    @property
    def macs(self) -> tuple[float, float]:
        """The fewest and the most multiply-adds."""
        middle = self.limit / (1 + self.band)
        return middle * (1 - self.band), self.limit

    @cached_property
    def members(self) -> list[Member]:
        """All networks, backbone by backbone."""
        backbones, topologies = self._draw()
        archs = [
            (b, t, Arch(stages, merges))
            for b, stages in enumerate(backbones)
            for t, merges in enumerate(topologies)
        ]
        return [Member(b, t, arch, self.costs.detector(arch).macs) for b, t, arch in archs]

    def _draw(self) -> tuple[list[Any], list[Any]]:
        """The first different backbones within the band, and the first different topologies."""
        low, high = self.macs
        backbones: dict[Any, Any] = {}
        topologies: dict[Any, Any] = {}
        for index in range(DRAWS):
            arch = self.costs.space.sample(self.seed, index).canonical()
            if low <= self.costs.detector(arch).macs <= high:
                # Trained from scratch, backbones that differ in which slots they skip are the same.
                shape = tuple(tuple(c for c in stage if c != SKIP) for stage in arch.stages)
                backbones.setdefault(shape, arch.stages)
            topologies.setdefault(arch.merges, arch.merges)
        found = len(backbones), len(topologies)
        if found < (self.backbones, self.topologies) or found[1] < self.topologies:
            raise UserError(
                f'{DRAWS} draws of {self.costs.space} have {found[0]} backbones of {low / 1e6:.0f} to '
                f'{high / 1e6:.0f} M multiply-adds and {found[1]} topologies, the pool needs '
                f'{self.backbones} and {self.topologies}; widen the band or take fewer'
            )
        return list(backbones.values())[: self.backbones], list(topologies)[: self.topologies]

    def member(self, name: str) -> Member:
        """The network of a name.

        Raises:
            UserError: there is none.
        """
        found = next((member for member in self.members if member.name == name), None)
        if found is None:
            last = self.members[-1].name
            raise UserError(f'the pool has no network {name!r}; they are b00-m0 to {last}')
        return found

    def network(self, member: Member) -> dict[str, Any]:
        """Model config of a network."""
        return subnet_model(self.model, member.arch)

    def again(self) -> list[Member]:
        """Those with a second seed: one of each backbone, all topologies equally often."""
        return [self.member(f'b{b:02d}-m{b % self.topologies}') for b in range(self.backbones)]

    def jobs(self, seeds: int = 0) -> Iterator[tuple[Member, int]]:
        """Every training as a network and a seed: the pilot, all others once, the second seeds.

        Args:
            seeds: that every network is trained with, at least.
        """
        again = self.again()
        planned = [(member, seed) for seed in SEEDS_OF_PILOT for member in again[:PILOT]]
        planned += [(member, 0) for member in self.members]
        planned += [(member, 1) for member in again]
        planned += [(member, seed) for seed in range(seeds) for member in self.members]
        yield from dict.fromkeys(planned)


def read_pool(seed: int = SEED, **sizes: Any) -> Pool:
    """The pool of the light space.

    Args:
        seed: of the draws.
        sizes: other keys of :class:`Pool`.
    """
    config = load_config(SEARCH)
    height, width = config.search.size
    costs = cost_table(build_without_storage(config.model), (height, width))
    limit = config.search.constraints.detector_macs.max
    return Pool(costs, limit, config.model, seed=seed, **sizes)
