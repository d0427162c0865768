"""One pyramid level computed from another one's map: the experiment of the paper's table 2."""

from __future__ import annotations

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.models.necks.attention_fpn import resize
from mmbfbox.space.arch import FIRST_LEVEL


@MODELS.register_module()
class ReuseLevel(BaseModule):
    """Puts the resized map of one level in the place of another one (paper, section 3.2).

    It stands behind a neck, as in ``neck=[dict(type='FPN', ...), dict(type='ReuseLevel', ...)]``.

    Args:
        source: level whose map is used, 2 for the finest.
        target: level that gets it.

    Raises:
        UserError: a level does not exist; for one above the pyramid, when it is used.

    Shapes: maps ``(N, C, H_i, W_i)`` to maps of the same shapes.

    Example:
        >>> import torch
        >>> maps = torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 2, 2)
        >>> [float(map_.mean()) for map_ in ReuseLevel(source=3, target=2)(maps)]
        [1.0, 1.0]
    """

    def __init__(self, source: int, target: int) -> None:
        if min(source, target) < FIRST_LEVEL:
            raise UserError(
                f'source is {source} and target {target}; the finest level is {FIRST_LEVEL}'
            )
        super().__init__()
        self.source = source
        self.target = target

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The maps with one of them exchanged."""
        source, target = self.source - FIRST_LEVEL, self.target - FIRST_LEVEL
        if max(source, target) >= len(inputs):
            raise UserError(
                f'source is {self.source} and target {self.target}, but the neck gives levels '
                f'{FIRST_LEVEL} to {FIRST_LEVEL + len(inputs) - 1}'
            )
        outputs = list(inputs)
        outputs[target] = resize(inputs[source], inputs[target].shape[-2:], source - target)
        return tuple(outputs)
