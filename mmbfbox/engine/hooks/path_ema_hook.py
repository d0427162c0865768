"""A moving average of a supernet's weights, of which each moves only when it was stepped."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.registry import HOOKS, MODELS
from mmengine.hooks import EMAHook
from mmengine.model import BaseAveragedModel
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.models import names_on_path


@MODELS.register_module()
class PathAverage(BaseAveragedModel):
    """Averages what the active path of a supernet uses, and leaves all else as it was.

    An ordinary average runs on in every step: of a choice that is drawn in one step of six it remembers
    six times fewer updates than of the stem. Here every tensor counts its own updates: the first one is
    copied, the n-th weighs 1/n, and at least ``momentum``.

    Args:
        model: the supernet.
        momentum: least weight of an update. Defaults to 0.01.
        interval, device, update_buffers: as for mmengine's averages; buffers, the statistics of batch
            norm, are averaged as well.
    """

    def __init__(
        self,
        model: nn.Module,
        momentum: float = 0.01,
        interval: int = 1,
        device: torch.device | None = None,
        update_buffers: bool = True,
    ) -> None:
        if not 0 < momentum <= 1:
            raise UserError(
                f'the momentum of PathEMAHook is {momentum}, expected more than 0 and up to 1'
            )
        super().__init__(model, interval, device, update_buffers)
        self.momentum = momentum
        self._places = {name: place for place, name in enumerate(self.avg_parameters)}
        # In the checkpoint, so that a resumed training averages the very same.
        self.register_buffer('updates', torch.zeros(len(self._places), dtype=torch.long))

    def avg_func(self, averaged_param: Tensor, source_param: Tensor, steps: int) -> None:
        """Take one more value into an average that has seen ``steps`` of them."""
        averaged_param.lerp_(source_param, max(self.momentum, 1 / (steps + 1)))

    @torch.no_grad()
    def update_parameters(self, model: nn.Module) -> None:
        """Take in what the active path has just stepped."""
        source = model.state_dict() if self.update_buffers else dict(model.named_parameters())
        if self.steps == 0:
            # The copy is older than the initial weights.
            for name, average in self.avg_parameters.items():
                average.copy_(source[name])
        active = names_on_path(model, source)
        updates = self.updates.tolist()
        for name in active:
            average, value = (
                self.avg_parameters[name],
                source[name].to(self.avg_parameters[name].device),
            )
            if average.dtype.is_floating_point:
                self.avg_func(average, value, updates[self._places[name]])
            else:
                average.copy_(value)
        self.updates[[self._places[name] for name in active]] += 1
        self.steps += 1


@HOOKS.register_module()
class PathEMAHook(EMAHook):
    """Keep a :class:`PathAverage` of a supernet, and store it beside the raw weights.

    Searches and exports take the average where there is one; ``--weights raw`` takes the others.

    Args:
        momentum: see :class:`PathAverage`. Defaults to 0.01.
        keys: further keys of mmengine's ``EMAHook``.
    """

    def __init__(self, momentum: float = 0.01, **keys: Any) -> None:
        super().__init__(ema_type='PathAverage', momentum=momentum, **keys)
