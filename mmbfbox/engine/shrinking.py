"""When and how a supernet's space is shrunk during training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from mmengine.runner import Runner
from torch import nn

from mmbfbox.engine.path_losses import FixedCrops, path_losses
from mmbfbox.errors import UserError
from mmbfbox.models import cost_table
from mmbfbox.space import JointSpace
from mmbfbox.space.shrinking import ChoiceEffect, choice_effects, least_archs
from mmbfbox.utils.settings import build_settings, check_whole, is_number


@dataclass(frozen=True)
class Shrinking:
    """At given shares of training, measure choices.

    Args:
        at: shares of training, growing. Defaults to 0.3 and 0.5.
        archs: random paths whose losses are measured each time. Defaults to 200.
        crops: training crops that each of them sees. Defaults to 32; each time costs as much as
            ``archs * crops / (3 * batch size)`` iterations of training, about.
        batch_size: crops at once. Defaults to 16.
        sigmas: standard errors by which a choice must be worse to be dropped. Defaults to 1.64.
        keep: least number of choices that stay in a place. Defaults to 3.

    Raises:
        UserError: a value is out of range.
    """

    at: tuple[float, ...] = (0.3, 0.5)
    archs: int = 200
    crops: int = 32
    batch_size: int = 16
    sigmas: float = 1.64
    keep: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.at, (list, tuple)):
            raise UserError(
                f'shrink.at is {self.at!r}, expected shares of training like [0.3, 0.5]'
            )
        object.__setattr__(self, 'at', tuple(self.at))
        shares = (0.0, *self.at, 1.0)
        numbers = all(is_number(share) for share in self.at)
        if not (numbers and self.at) or any(b <= a for a, b in pairwise(shares)):
            raise UserError(
                f'shrink.at is {list(self.at)}, expected growing shares of training between 0 and 1, like '
                f'[0.3, 0.5]'
            )
        for name in ('archs', 'crops', 'batch_size', 'keep'):
            check_whole(f'shrink.{name}', getattr(self, name), 1)
        if not is_number(self.sigmas) or self.sigmas < 0:
            raise UserError(f'shrink.sigmas is {self.sigmas!r}, expected a number of 0 or more')

    @classmethod
    def build(cls, settings: Mapping[str, Any] | None) -> Shrinking | None:
        """From the hook's ``shrink``; None if that is None.

        Raises:
            UserError: a key is unknown or out of range.
        """
        return build_settings(cls, 'shrink', settings)

    def effects(
        self, runner: Runner, model: nn.Module, space: JointSpace, seed: int, turn: int
    ) -> list[ChoiceEffect]:
        """Measure what each choice does to the loss.

        Args:
            runner: of the training.
            model: the supernet, without its wrapper.
            space: what is left of its space.
            seed: of the paths.
            turn: how often choices have been dropped before.

        Raises:
            UserError: there are too few paths for the number of choices.
        """
        least = least_archs(space)
        if self.archs < least:
            raise UserError(
                f'shrink.archs is {self.archs}, and {sum(map(len, space.choices.values()))} choices need '
                f'{least} or more; raise it'
            )
        archs = [space.sample(seed, turn * self.archs + index) for index in range(self.archs)]
        losses = path_losses(model, archs, FixedCrops(runner, self.crops, self.batch_size))
        costs = cost_table(model, (224, 224))
        return choice_effects(space, archs, losses, [costs.detector(arch).macs for arch in archs])


def space_left(space: JointSpace, meta: Mapping[str, Any]) -> JointSpace:
    """What a supernet's training has left of its space.

    Args:
        space: with all choices.
        meta: notes of the supernet's checkpoint.
    """
    shrunk = (meta.get('space') or {}).get('shrunk')
    return space.shrunk(shrunk[-1]['allowed']) if shrunk else space
