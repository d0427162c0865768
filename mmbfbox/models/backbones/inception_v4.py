"""Inception-v4 (Szegedy et al., AAAI 2017) as a backbone of four maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.models.backbones.bfbox import INIT
from mmbfbox.models.backbones.freezing import FreezableBackbone

Step = str | tuple[Any, ...]
"""``(channels, kernel)`` or ``(channels, kernel, stride)`` of a convolution, ``'max'`` or ``'avg'``."""

STEM: tuple[dict[str, Sequence[Step]], ...] = (
    {'maxpool': ['max'], 'conv': [(96, 3, 2)]},
    {
        'branch0': [(64, 1), (96, 3)],
        'branch1': [(64, 1), (64, (1, 7)), (64, (7, 1)), (96, 3)],
    },
    {'conv': [(192, 3, 2)], 'maxpool': ['max']},
)
BLOCK_A: dict[str, Sequence[Step]] = {
    'branch0': [(96, 1)],
    'branch1': [(64, 1), (96, 3)],
    'branch2': [(64, 1), (96, 3), (96, 3)],
    'branch3': ['avg', (96, 1)],
}
REDUCTION_A: dict[str, Sequence[Step]] = {
    'branch0': [(384, 3, 2)],
    'branch1': [(192, 1), (224, 3), (256, 3, 2)],
    'branch2': ['max'],
}
BLOCK_B: dict[str, Sequence[Step]] = {
    'branch0': [(384, 1)],
    'branch1': [(192, 1), (224, (1, 7)), (256, (7, 1))],
    'branch2': [(192, 1), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7))],
    'branch3': ['avg', (128, 1)],
}
REDUCTION_B: dict[str, Sequence[Step]] = {
    'branch0': [(192, 1), (192, 3, 2)],
    'branch1': [(256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, 2)],
    'branch2': ['max'],
}
REPEATS = (4, 7, 3)
_PLAIN = 3
"""Convolutions before the stem's first branches."""


class _Layers:
    """Builds chains of convolutions, all of them divided by the same ``divisor``."""

    def __init__(self, norm_cfg: dict[str, Any], divisor: int) -> None:
        self.norm_cfg = norm_cfg
        self.divisor = divisor

    def conv(self, width: int, channels: int, kernel: Any, stride: int = 1) -> ConvModule:
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        return ConvModule(
            width,
            channels // self.divisor,
            sides,
            stride=stride,
            padding=tuple(side // 2 for side in sides),
            norm_cfg=self.norm_cfg,
        )

    def chain(self, width: int, steps: Sequence[Step]) -> tuple[nn.Module, int]:
        """The steps in a row, and how many channels they give."""
        modules: list[nn.Module] = []
        for step in steps:
            if step == 'max':
                modules.append(nn.MaxPool2d(3, stride=2, padding=1))
            elif step == 'avg':
                modules.append(nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False))
            else:
                conv = self.conv(width, *step)
                modules.append(conv)
                width = conv.out_channels
        return (modules[0] if len(modules) == 1 else nn.Sequential(*modules)), width


class Branches(nn.Module):
    """Chains side by side, their outputs concatenated."""

    def __init__(self, layers: _Layers, width: int, chains: dict[str, Sequence[Step]]) -> None:
        super().__init__()
        self.out_channels = 0
        for name, steps in chains.items():
            module, channels = layers.chain(width, steps)
            self.add_module(name, module)
            self.out_channels += channels

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        return torch.cat([branch(x) for branch in self.children()], dim=1)


class BlockC(nn.Module):
    """Inception-v4's block C, two of whose branches fork into a 1x3 and a 3x1 convolution."""

    def __init__(self, layers: _Layers, width: int) -> None:
        super().__init__()
        conv = layers.conv
        self.branch0 = conv(width, 256, 1)
        self.branch1_0 = conv(width, 384, 1)
        middle = self.branch1_0.out_channels
        self.branch1_1a = conv(middle, 256, (1, 3))
        self.branch1_1b = conv(middle, 256, (3, 1))
        self.branch2_0 = conv(width, 384, 1)
        self.branch2_1 = conv(middle, 448, (3, 1))
        self.branch2_2 = conv(self.branch2_1.out_channels, 512, (1, 3))
        end = self.branch2_2.out_channels
        self.branch2_3a = conv(end, 256, (1, 3))
        self.branch2_3b = conv(end, 256, (3, 1))
        self.branch3 = layers.chain(width, ['avg', (256, 1)])[0]
        self.out_channels = 6 * self.branch0.out_channels

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        first = self.branch1_0(x)
        second = self.branch2_2(self.branch2_1(self.branch2_0(x)))
        return torch.cat(
            [
                self.branch0(x),
                *(self.branch1_1a(first), self.branch1_1b(first)),
                *(self.branch2_3a(second), self.branch2_3b(second)),
                self.branch3(x),
            ],
            dim=1,
        )


@MODELS.register_module()
class InceptionV4(FreezableBackbone):
    """Inception-v4 without its classifier, with 'same' padding everywhere.

    The original leaves out the padding in its stem and reductions, so that its maps lose their border
    and an anchor's centre would no longer lie where its stride says. With padding, map i measures
    ``ceil(H / stride)``; weights are the same. Each map is the last one of its stride. Parameters have
    the names of timm's network, so its weights can be loaded through
    ``init_cfg=dict(type='Pretrained', checkpoint=FILE)``.

    Args:
        divisor: all widths are divided by it, for tests. Defaults to 1.
        norm_cfg: config of the norm. Defaults to batch norm with eps 1e-3, as published.
        init_cfg: mmengine's initialisation config. Defaults to Kaiming: from scratch.
        frozen_stages: stages that are not trained, see :class:`FreezableBackbone`. Defaults to -1, none.
        norm_eval: whether norms keep their running statistics in training. Defaults to False.

    Raises:
        UserError: the divisor does not divide all widths.

    Shapes: images ``(N, 3, H, W)`` to maps of strides 4, 8, 16, 32 with 192, 384, 1024, 1536 channels.
    """

    def __init__(
        self,
        divisor: int = 1,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: Any = None,
        frozen_stages: int = -1,
        norm_eval: bool = False,
    ) -> None:
        if divisor not in (1, 2, 4, 8, 16, 32):
            raise UserError(f'divisor is {divisor}, expected 1, 2, 4, 8, 16 or 32')
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        layers = _Layers(norm_cfg or dict(type='BN', requires_grad=True, eps=1e-3), divisor)
        parts: list[Any] = [layers.conv(3, 32, 3, stride=2)]
        for channels in (32, 64):
            parts.append(layers.conv(parts[-1].out_channels, channels, 3))
        parts += self._blocks(layers, parts[-1].out_channels, STEM)
        # The map of stride 4 is the one before the last part of the stem.
        self.taps = [len(parts) - 2]
        for block, times, reduction in (
            (BLOCK_A, REPEATS[0], [REDUCTION_A]),
            (BLOCK_B, REPEATS[1], [REDUCTION_B]),
        ):
            parts += self._blocks(layers, parts[-1].out_channels, [block] * times)
            self.taps.append(len(parts) - 1)
            parts += self._blocks(layers, parts[-1].out_channels, reduction)
        for _ in range(REPEATS[2]):
            parts.append(BlockC(layers, parts[-1].out_channels))
        self.taps.append(len(parts) - 1)
        self.features = nn.Sequential(*parts)
        self.freeze(frozen_stages, norm_eval)

    def parts(self) -> list[list[nn.Module]]:
        """The first three convolutions, and what leads to each map."""
        features = list(self.features)
        begins = [0, _PLAIN, *(tap + 1 for tap in self.taps[:-1])]
        ends = [*begins[1:], len(features)]
        return [features[begin:end] for begin, end in zip(begins, ends, strict=True)]

    @staticmethod
    def _blocks(
        layers: _Layers, width: int, blocks: Sequence[dict[str, Sequence[Step]]]
    ) -> list[Branches]:
        built: list[Branches] = []
        for chains in blocks:
            built.append(Branches(layers, width, chains))
            width = built[-1].out_channels
        return built

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps, the last one of each stride."""
        outputs = []
        for index, part in enumerate(self.features):
            x = part(x)
            if index in self.taps:
                outputs.append(x)
        return tuple(outputs)
