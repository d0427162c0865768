"""Which choices of a space are worse than chance and their cost explain, from the losses of a few archs.

An additive model is fitted: loss = mean + an effect of the choice in each place + noise. What is taken in one
place is drawn independently of the others, so interactions only add to the noise, which the standard errors
hold. Expensive choices have lower losses nearly always, and a search constrains costs; so a choice counts
as bad by what is left of its effect after the price of its multiply-adds, which is the slope of all effects
over all costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mmbfbox.space.arch import FIRST_LEVEL, Arch
from mmbfbox.space.joint import JointSpace

Floats = npt.NDArray[np.float64]
_FREEDOM = 10
"""Archs that there must be beyond the numbers of the model, so that its errors are known."""


@dataclass(frozen=True)
class ChoiceEffect:
    """What a choice does to the loss.

    Args:
        place, choice: which.
        effect: its loss minus the mean of its place, after its price; below zero is good.
        error: standard error of that.
    """

    place: str
    choice: str
    effect: float
    error: float

    @property
    def z(self) -> float:
        """The effect in standard errors."""
        return self.effect / self.error if self.error else 0.0


def taken(arch: Arch) -> list[tuple[str, str]]:
    """What an arch takes in each place: ``('c2.1', 'conv3')``, ``('p4', 'c6')``."""
    slots = [
        (f'c{level}.{slot}', choice)
        for level, stage in enumerate(arch.stages, FIRST_LEVEL)
        for slot, choice in enumerate(stage, 1)
    ]
    return slots + [(f'p{merge.target}', merge.source) for merge in arch.merges]


def least_archs(space: JointSpace) -> int:
    """How many archs an estimate needs."""
    choices = space.choices.values()
    return 1 + sum(len(names) - 1 for names in choices) + _FREEDOM


def choice_effects(
    space: JointSpace, archs: Sequence[Arch], losses: Sequence[float], macs: Sequence[float]
) -> list[ChoiceEffect]:
    """The effect of every choice of a space.

    Args:
        space: what is left of the space; all archs are in it.
        archs: random archs, :func:`least_archs` or more.
        losses: of each, all measured on the same images.
        macs: multiply-adds of each.
    """
    columns = [(place, choice) for place, names in space.choices.items() for choice in names]
    number = {column: index for index, column in enumerate(columns)}
    used = np.zeros((len(archs), len(columns)))
    for row, arch in enumerate(archs):
        used[row, [number[one] for one in taken(arch)]] = 1
    centred = used - used.mean(0)
    # Without more than chance can tell, the shortest solution: effects of a place add up to zero.
    solve = np.linalg.pinv(centred, rcond=1e-9)
    y = np.asarray(losses, float)
    effects, costs = solve @ (y - y.mean()), solve @ (np.asarray(macs, float) - np.mean(macs))
    residuals = y - y.mean() - centred @ effects
    freedom = max(len(archs) - 1 - int(np.linalg.matrix_rank(centred)), 1)
    price = float(costs @ effects / (costs @ costs)) if costs.any() else 0.0
    if price < 0:
        solve = solve - np.outer(costs, costs @ solve) / (costs @ costs)
        effects = effects - price * costs
    errors = np.sqrt((residuals @ residuals) / freedom * (solve * solve).sum(1))
    return [
        ChoiceEffect(*column, float(effect), float(error))
        for column, effect, error in zip(columns, effects, errors, strict=True)
    ]


def choices_left(
    space: JointSpace, effects: Sequence[ChoiceEffect], sigmas: float = 1.64, keep: int = 3
) -> dict[str, tuple[str, ...]]:
    """What is left of each place when choices that are worse beyond their error are dropped.

    The worst go first. At least ``keep`` stay in a place and at most half of it is dropped at a time; a level
    of the pyramid keeps its best lateral, without which there may be no merge to begin with.

    Args:
        space: what is left of the space so far.
        effects: of all its choices.
        sigmas: standard errors by which a choice must be worse. Defaults to 1.64.
        keep: least number of choices of a place. Defaults to 3.
    """
    left = {}
    for place, names in space.choices.items():
        own = {one.choice: one for one in effects if one.place == place}
        laterals = [name for name in names if place[0] == 'p' and name[0] == 'c']
        safe = min(laterals, key=lambda name: own[name].effect, default=None)
        worst = sorted(names, key=lambda name: -own[name].z)
        bad = [name for name in worst if own[name].z > sigmas and name != safe]
        dropped = bad[: max(0, min(len(names) - keep, len(names) // 2))]
        left[place] = tuple(name for name in names if name not in dropped)
    return left
