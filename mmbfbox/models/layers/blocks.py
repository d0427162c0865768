"""Modules of the candidate blocks, built from their lists of convolutions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.nn.functional import relu

from mmbfbox.models.layers.norms import check_groups
from mmbfbox.space.blocks import Block, Conv


def make_conv(conv: Conv, norm_cfg: dict[str, Any] | None, activate: bool = True) -> ConvModule:
    """Convolution with 'same' padding, then norm (if the list says so), then ReLU.

    Raises:
        UserError: the norm's groups do not divide the channels.
    """
    if conv.norm:
        check_groups(norm_cfg, conv.out_channels)
    return ConvModule(
        conv.in_channels,
        conv.out_channels,
        conv.kernel,
        stride=conv.stride,
        padding=tuple(size // 2 for size in conv.kernel),
        groups=conv.groups,
        bias=conv.bias,
        norm_cfg=norm_cfg if conv.norm else None,
        act_cfg=dict(type='ReLU') if activate else None,
    )


class ResidualBlock(nn.Module):
    """A chain of convolutions added to the input, then ReLU (paper, figure 2 a, b, c).

    Args:
        block: its convolutions; the shortcut projects the input where the shapes differ.
        norm_cfg: mmdet's config of the norm.

    Shapes: ``(N, in, H, W)`` to ``(N, out, ceil(H / stride), ceil(W / stride))``.
    """

    def __init__(self, block: Block, norm_cfg: dict[str, Any] | None) -> None:
        super().__init__()
        last = len(block.convs) - 1
        self.convs = nn.Sequential(
            *(make_conv(conv, norm_cfg, index < last) for index, conv in enumerate(block.convs))
        )
        self.shortcut = make_conv(block.shortcut, norm_cfg, False) if block.shortcut else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        shortcut = x if self.shortcut is None else self.shortcut(x)
        return relu(shortcut + self.convs(x))


class DenseBlock(nn.Module):
    """Dense layers and a transition (paper, figure 2 d; DenseNet without bottlenecks).

    Every convolution sees the concatenation of the input and all earlier outputs; the last one is the
    1x1 transition. A stride is an average pooling before the transition, where it costs least.

    Args:
        block: its convolutions.
        norm_cfg: mmdet's config of the norm.

    Shapes: ``(N, in, H, W)`` to ``(N, out, ceil(H / stride), ceil(W / stride))``.
    """

    def __init__(self, block: Block, norm_cfg: dict[str, Any] | None) -> None:
        super().__init__()
        self.convs = nn.ModuleList(make_conv(conv, norm_cfg) for conv in block.convs)
        # ceil_mode, so that odd sizes give the same shape as a strided convolution.
        self.pool = nn.AvgPool2d(block.pool, ceil_mode=True) if block.pool > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        *layers, transition = self.convs
        for layer in layers:
            x = torch.cat([x, layer(x)], dim=1)
        return transition(self.pool(x))


class ShuffleBlock(nn.Module):
    """Unit of ShuffleNetV2 with the channel shuffle at its start (SPOS, ECCV 2020).

    Where the shape stays, the even channels stay as they are and the odd ones go through the main
    chain; elsewhere all channels go through both chains. The results are concatenated.

    Args:
        block: its convolutions; depthwise ones have no ReLU.
        norm_cfg: mmdet's config of the norm.

    Shapes: ``(N, in, H, W)`` to ``(N, out, ceil(H / stride), ceil(W / stride))``.
    """

    def __init__(self, block: Block, norm_cfg: dict[str, Any] | None) -> None:
        super().__init__()
        self.convs = _make_chain(block.convs, norm_cfg)
        self.other = _make_chain(block.beside[0], norm_cfg) if block.beside else None

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        if self.other is None:
            return torch.cat([x[:, ::2], self.convs(x[:, 1::2])], dim=1)
        return torch.cat([self.other(x), self.convs(x)], dim=1)


class InceptionBlock(nn.Module):
    """Block A of Inception-v4: 1x1, 3x3, two 3x3, and average pooling with 1x1, side by side.

    Args:
        block: its convolutions; the main chain follows the pooling.
        norm_cfg: mmdet's config of the norm.

    Shapes: ``(N, in, H, W)`` to ``(N, out, ceil(H / stride), ceil(W / stride))``.
    """

    def __init__(self, block: Block, norm_cfg: dict[str, Any] | None) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(3, block.pool, padding=1, count_include_pad=False)
        self.convs = _make_chain(block.convs, norm_cfg)
        self.beside = nn.ModuleList(_make_chain(chain, norm_cfg) for chain in block.beside)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        beside = [chain(x) for chain in self.beside]
        return torch.cat([*beside, self.convs(self.pool(x))], dim=1)


def _make_chain(convs: Iterable[Conv], norm_cfg: dict[str, Any] | None) -> nn.Sequential:
    return nn.Sequential(*(make_conv(conv, norm_cfg, conv.groups == 1) for conv in convs))


_KINDS = {
    'residual': ResidualBlock,
    'dense': DenseBlock,
    'shuffle': ShuffleBlock,
    'inception': InceptionBlock,
    'identity': nn.Identity,  # which takes and ignores any arguments
}


def build_block(block: Block, norm_cfg: dict[str, Any] | None) -> nn.Module:
    """The module of a block.

    Example:
        >>> from mmbfbox.space.blocks import make_block
        >>> block = build_block(make_block('dw3_5', 8, 16, stride=2), dict(type='BN'))
        >>> tuple(block(torch.zeros(1, 8, 9, 9)).shape)
        (1, 16, 5, 5)
    """
    return _KINDS[block.kind](block, norm_cfg)
