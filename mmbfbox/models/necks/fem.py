"""Feature enhance module of DSFD: dilated convolutions on every level."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import relu

from mmbfbox.errors import UserError
from mmbfbox.models.necks.attention_fpn import INIT


class _Level(nn.Module):
    """One level: ``(N, C, H, W)`` to ``(N, 2 C, H, W)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2

        def conv(width: int, out: int, dilation: int) -> nn.Conv2d:
            return nn.Conv2d(width, out, 3, padding=dilation, dilation=dilation)

        self.near = conv(channels, channels, 1)
        self.far = conv(channels, channels, 2)
        self.far_near = conv(channels, half, 1)
        self.far_far = conv(channels, half, 2)
        self.far_far_near = conv(half, half, 1)

    def forward(self, x: Tensor) -> Tensor:
        far = relu(self.far(x))
        farthest = relu(self.far_far_near(relu(self.far_far(far))))
        return torch.cat([relu(self.near(x)), relu(self.far_near(far)), farthest], dim=1)


@MODELS.register_module()
class FEM(BaseModule):
    """Feature enhance module (Li et al., CVPR 2019), to be put behind the product of an LFPN.

    Each level has its own. Three branches of 3x3 convolutions see further and further: C channels with
    dilation 1; C with dilation 2, then C/2 with dilation 1; the same first convolution, then C/2 with
    dilation 2 and C/2 with dilation 1. ReLU follows each convolution; the branches are concatenated.

    Args:
        channels: channels of every input; the outputs have twice as many.
        levels: how many levels there are. Defaults to 6.
        init_cfg: mmengine's initialisation config. Defaults to Xavier.

    Raises:
        UserError: the number of channels is odd.

    Shapes: ``levels`` maps ``(N, channels, H_i, W_i)`` to as many ``(N, 2 * channels, H_i, W_i)``.

    Example:
        >>> import torch
        >>> maps = [torch.zeros(1, 8, size, size) for size in (8, 4)]
        >>> [tuple(map_.shape) for map_ in FEM(8, levels=2)(maps)]
        [(1, 16, 8, 8), (1, 16, 4, 4)]
    """

    def __init__(self, channels: int = 256, levels: int = 6, init_cfg: Any = None) -> None:
        if channels < 2 or channels % 2:
            raise UserError(f'channels is {channels}, expected an even number')
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        self.levels = nn.ModuleList(_Level(channels) for _ in range(levels))

    def forward(self, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """The enhanced levels."""
        return tuple(level(x) for level, x in zip(self.levels, inputs, strict=True))
