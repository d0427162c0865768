"""Prefixes of paths: in which order to visit archs, and what to keep for those that follow.

A path is what a batch of images goes through, unit by unit: the stem, then each slot's choice. Archs
whose paths begin alike share the activations and the batch-norm statistics of that beginning. A skip
changes nothing: what stands after it is what stands before it, and is kept once, there.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from mmbfbox.space import SKIP, Arch

UnitPath = tuple[str, ...]


def path_of(arch: Arch) -> UnitPath:
    """The units of an arch's backbone: the stem and the choice of every slot, in order."""
    return ('stem', *(choice for stage in arch.stages for choice in stage))


def shared_length(one: Sequence[str], other: Sequence[str]) -> int:
    """How many units two paths have in common at their beginning."""
    for length, (unit, another) in enumerate(zip(one, other, strict=False)):
        if unit != another:
            return length
    return min(len(one), len(other))


def before_skips(path: UnitPath, depth: int) -> int:
    """The depth at which the activations of ``depth`` have been computed: before the skips that lead to it.

    Example:
        >>> before_skips(('stem', 'conv3', 'skip', 'skip', 'dw5'), 4)
        2
    """
    while depth and path[depth - 1] == SKIP:
        depth -= 1
    return depth


def branch_depths(path: UnitPath, following: Iterable[UnitPath]) -> set[int]:
    """The depths at which later paths leave this one: what is known there will be used again.

    Skips that lead to such a depth are left out of it.

    Args:
        path: a path.
        following: the paths that are visited after it, in order.

    Example:
        >>> sorted(branch_depths(('stem', 'a', 'a'), [('stem', 'a', 'b'), ('stem', 'b', 'a')]))
        [1, 2]
    """
    depths = set()
    shared = len(path)
    for other in following:
        shared = shared_length(path[:shared], other)
        depths.add(before_skips(path, shared))
        if shared <= 1:
            break
    return depths


@dataclass(frozen=True)
class Activations:
    """What a batch of images has become after some units.

    Args:
        x: output of the last unit, ``(N, C, H, W)``.
        maps: outputs of the stages that are complete, for the neck.
    """

    x: Tensor
    maps: tuple[Tensor, ...] = ()

    @property
    def bytes(self) -> int:
        """Memory that it takes, if nothing else holds a part of it."""
        tensors = {tensor.data_ptr(): tensor for tensor in (self.x, *self.maps)}
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


@dataclass
class PrefixCache:
    """Activations of the current path at some depths, for each batch, within a budget.

    In prefix order the deepest activations are used again first. So the shallowest give way when the
    budget is used up, and if there are none, what comes is not kept: it will be computed again.

    Args:
        budget: bytes that may be kept. 0 keeps nothing.
    """

    budget: float
    used: int = 0
    _kept: dict[int, dict[Hashable, Activations]] = field(default_factory=dict)

    def cut(self, depth: int) -> None:
        """Forget what is deeper than ``depth``: the path goes on differently from there."""
        for deeper in [kept for kept in self._kept if kept > depth]:
            self.used -= sum(activations.bytes for activations in self._kept.pop(deeper).values())

    def deepest(self, batch: Hashable) -> tuple[int, Activations | None]:
        """The deepest activations of a batch, and their depth; 0 and None if there are none."""
        for depth in sorted(self._kept, reverse=True):
            if batch in self._kept[depth]:
                return depth, self._kept[depth][batch]
        return 0, None

    def keep(self, batch: Hashable, depth: int, activations: Activations) -> None:
        """Keep the activations of a batch at this depth, if the budget allows it."""
        if batch in self._kept.get(depth, {}) or not self._make_room(depth, activations.bytes):
            return
        self._kept.setdefault(depth, {})[batch] = activations
        self.used += activations.bytes

    def _make_room(self, depth: int, size: int) -> bool:
        """Drop shallower activations until ``size`` bytes are free, unless that cannot be reached."""
        shallower = sorted(kept for kept in self._kept if kept < depth)
        held = sum(a.bytes for kept in shallower for a in self._kept[kept].values())
        if self.used - held + size > self.budget:
            return False
        for kept in shallower:
            while self._kept[kept] and self.used + size > self.budget:
                _, dropped = self._kept[kept].popitem()
                self.used -= dropped.bytes
        return True
