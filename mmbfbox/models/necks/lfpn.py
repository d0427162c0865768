"""Low-level feature pyramid network of PyramidBox: only the finest maps are merged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import relu

from mmbfbox.errors import UserError
from mmbfbox.models.necks.attention_fpn import INIT, resize

FUSIONS = ('product', 'sum')


@MODELS.register_module()
class LFPN(BaseModule):
    """LFPN (Tang et al., ECCV 2018), which BFBox calls IFPN.

    The way down starts in the middle, because a deep map says little about a small face. With
    ``merged=3``, p5 starts it, p4, p3 and p2 are merged, p6 and p7 are left alone.

    * ``'product'``, as published: ``p4 = relu(c4) * resize(relu(p5))``, both through 1x1 convolutions.
      The other levels have a 1x1 convolution that gives them the common width.
    * ``'sum'``, as in the code of BFBox's first author: 1x1 laterals, ``s4 = c4 + resize(p5)``, then a
      3x3 convolution on each sum; the other levels have a 3x3 convolution.

    Args:
        in_channels: channels of the backbone's maps, from stride 4 down.
        out_channels: channels of every output. Defaults to 256.
        fusion: ``'product'`` or ``'sum'``. Defaults to ``'product'``.
        merged: how many of the finest levels are merged. Defaults to 3.
        init_cfg: mmengine's initialisation config. Defaults to Xavier.

    Raises:
        UserError: unknown fusion, or no level is left to start from.

    Shapes: a list of ``(N, in_channels[i], H_i, W_i)`` to a tuple of ``(N, out_channels, H_i, W_i)``.

    Example:
        >>> import torch
        >>> maps = [torch.zeros(1, width, size, size) for width, size in ((8, 16), (16, 8), (16, 4))]
        >>> [tuple(map_.shape) for map_ in LFPN((8, 16, 16), 12, fusion='sum', merged=1)(maps)]
        [(1, 12, 16, 16), (1, 12, 8, 8), (1, 12, 4, 4)]
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 256,
        fusion: str = 'product',
        merged: int = 3,
        init_cfg: Any = None,
    ) -> None:
        if fusion not in FUSIONS:
            raise UserError(f'fusion is {fusion!r}, expected one of {FUSIONS}')
        if not 1 <= merged < len(in_channels):
            raise UserError(
                f'merged is {merged}, expected 1 to {len(in_channels) - 1}: the level above the '
                f'merged ones starts the way down'
            )
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        self.fusion = fusion
        self.merged = merged
        kernel = 1 if fusion == 'product' else 3
        self.laterals = nn.ModuleList(
            nn.Conv2d(width, out_channels, 1)
            if index < merged
            else nn.Conv2d(width, out_channels, kernel, padding=kernel // 2)
            for index, width in enumerate(in_channels)
        )
        # What follows each merge ('sum'), or goes before it on the deeper map ('product').
        self.convs = nn.ModuleList(
            nn.Conv2d(out_channels, out_channels, kernel, padding=kernel // 2)
            for _ in range(merged)
        )

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The pyramid, from the finest level to the coarsest."""
        maps = [lateral(x) for lateral, x in zip(self.laterals, inputs, strict=True)]
        for index in reversed(range(self.merged)):
            size = maps[index].shape[-2:]
            if self.fusion == 'product':
                deeper = resize(relu(self.convs[index](maps[index + 1])), size, 1)
                maps[index] = relu(maps[index]) * deeper
            else:
                maps[index] = maps[index] + resize(maps[index + 1], size, 1)
        if self.fusion == 'sum':
            maps[: self.merged] = [conv(x) for conv, x in zip(self.convs, maps, strict=False)]
        return tuple(maps)
