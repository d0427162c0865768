"""Strictly fair sampling: every choice equally often within each block of draws (FairNAS, section 3).

All functions are pure in ``(seed, index)``: ranks agree without talking to each other, and a resumed run
goes on in the middle of a block.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TypeVar

from mmbfbox.space.arch import Merge
from mmbfbox.space.backbone import BackboneSpace, Stages
from mmbfbox.space.draw import Draw
from mmbfbox.space.fpn import FpnSpace, Merges

T = TypeVar('T')

# Streams of their own beside those of sample (none), mutate (1) and crossover (2).
_SLOTS, _SOURCES, _ORDERS = 3, 4, 5


def fair_stages(space: BackboneSpace, seed: int, index: int) -> Stages:
    """The backbone of draw ``index``.

    A slot of n choices goes through a random permutation of them in each block of n draws, independent
    of all other slots: in the paper's space each shallow choice comes exactly once in draws 0 to 11, 12
    to 23, ..., each deep choice once in draws 0 to 7, 8 to 15, ...
    """
    slots = count()
    return tuple(
        tuple(_turn(choices, seed, index, _SLOTS, next(slots)) for choices in stage)
        for stage in space.slots
    )


def fair_merges(space: FpnSpace, seed: int, index: int) -> Merges:
    """The wiring of draw ``index``.

    Fair means fair to the edges (target, source), which are what has parameters and gradients: in each
    block of n draws, where n is the number of sources that a target can ever have (laterals of other
    levels and results of other targets; 9 in the paper's space), every target takes every source exactly
    once. Uniform sampling prefers laterals, because a result can be taken only after its merge: in the
    paper's space an edge from a lateral comes 2.3 times as often as one from a result. Orders cannot be
    fair at the same time: a wiring has to be merged in an order that its edges allow, and one of these
    is drawn. With ``fixed_order`` each step has its own number of sources, n, and each of its edges comes
    once in n draws.

    Of a shrunk space wirings are drawn uniformly: targets with blocks of different lengths have no wirings
    without a circle in general.
    """
    if space.fixed_order:
        return tuple(
            Merge(target, _turn(space.all_sources(target), seed, index, _SOURCES, target))
            for target in space.targets[::-1]
        )
    if space.allowed is not None:
        return space.sample(Draw(seed, index, _SOURCES))
    length = len(space.levels) + len(space.targets) - 2
    edges = _source_block(space, seed, index // length)[index % length]
    return tuple(_merge_order(edges, Draw(seed, index, _ORDERS)))


def _turn(items: Sequence[T], seed: int, index: int, stream: int, place: int) -> T:
    """The item whose turn it is in draw ``index`` at one ``place``."""
    block, position = divmod(index, len(items))
    return Draw(seed, block, stream, place).shuffled(items)[position]


@lru_cache(maxsize=8)
def _source_block(space: FpnSpace, seed: int, block: int) -> tuple[tuple[Merge, ...], ...]:
    """The edges of each draw of a block, in the order of the targets.

    Permutations are drawn for all targets until no draw has a cycle (p3 from p4 and p4 from p3): 4.5
    times on average in the paper's space.
    """
    draw = Draw(seed, block, _SOURCES)
    while True:
        columns = []
        for target in space.targets:
            sources = draw.shuffled(space.all_sources(target))
            columns.append([Merge(target, source) for source in sources])
        wirings = tuple(zip(*columns, strict=True))
        if all(len(list(_merge_order(wiring))) == len(wiring) for wiring in wirings):
            return wirings


def _merge_order(wiring: Sequence[Merge], draw: Draw | None = None) -> Iterator[Merge]:
    """The merges in an order in which each can be carried out; those of a cycle are left out.

    Of several that are ready, ``draw`` picks one; without it, the first comes first.
    """
    waiting = list(wiring)
    while True:
        missing = {f'p{merge.target}' for merge in waiting}
        ready = [merge for merge in waiting if merge.source not in missing]
        if not ready:
            return
        merge = draw.pick(ready) if draw else ready[0]
        waiting.remove(merge)
        yield merge
