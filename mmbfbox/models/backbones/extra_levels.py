"""Levels c6 and c7 for backbones that end at stride 32."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.models.backbones.bfbox import BATCH_NORM, INIT
from mmbfbox.models.layers.blocks import make_conv
from mmbfbox.space.blocks import Conv


@MODELS.register_module()
class ExtraLevels(BaseModule):
    """A backbone with more maps, each half as large: 1x1 - 3x3/2 on the last one (SSD).

    With the defaults, c6 is 1x1 (512) - 3x3/2 (512) on c5 and c7 is 1x1 (128) - 3x3/2 (256) on c6, all
    with norm and ReLU, as in the first author's code and in DSFD. Every neck then gets the maps that a
    backbone of the face-appropriate space gives.

    Args:
        backbone: config of the backbone.
        in_channels: channels of its last map.
        extra: channels of the 1x1 and of the 3x3 convolution of each level. Defaults to c6 and c7.
        norm_cfg: config of the norm. Defaults to batch norm.
        init_cfg: mmengine's initialisation config of the new levels. Defaults to Kaiming.

    Raises:
        UserError: a number of channels is not positive.

    Shapes: images ``(N, 3, H, W)`` to the maps of the backbone and one for each extra level.

    Example:
        >>> import torch
        >>> small = dict(type='DenseNet', layers=(1, 1), growth=4, stem_channels=8)
        >>> backbone = ExtraLevels(small, in_channels=10, extra=((4, 16),))
        >>> [tuple(map_.shape) for map_ in backbone(torch.zeros(1, 3, 64, 64))]
        [(1, 12, 16, 16), (1, 10, 8, 8), (1, 16, 4, 4)]
    """

    def __init__(
        self,
        backbone: dict[str, Any],
        in_channels: int,
        extra: Sequence[Sequence[int]] = ((512, 512), (128, 256)),
        norm_cfg: dict[str, Any] = BATCH_NORM,
        init_cfg: Any = None,
    ) -> None:
        if in_channels < 1 or any(len(pair) != 2 or min(pair) < 1 for pair in extra):
            raise UserError(
                f'in_channels is {in_channels} and extra {extra}; expected a positive number, and a '
                f'pair of positive numbers for each extra level'
            )
        super().__init__()
        self.backbone = MODELS.build(backbone)
        self.extra = _Levels(in_channels, extra, norm_cfg, INIT if init_cfg is None else init_cfg)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of the backbone and of the extra levels."""
        outputs = list(self.backbone(x))
        for level in self.extra.levels:
            outputs.append(level(outputs[-1]))
        return tuple(outputs)


class _Levels(BaseModule):
    """The extra levels, with an initialisation of their own."""

    def __init__(
        self, width: int, extra: Sequence[Sequence[int]], norm_cfg: dict[str, Any], init_cfg: Any
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.levels = nn.ModuleList()
        for mid, out in extra:
            pair = Conv(width, mid), Conv(mid, out, (3, 3), stride=2)
            self.levels.append(nn.Sequential(*(make_conv(conv, norm_cfg) for conv in pair)))
            width = out
