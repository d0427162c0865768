"""What a GPU does quicker in another form than the one that the supernet is written in.

Nothing of this changes what is computed, only in which order sums are formed, so the last bits may differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmcv.cnn import ConvModule
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from mmbfbox.models.dense_heads.per_level_retina_head import PerLevelRetinaHead
from mmbfbox.models.layers.blocks import ResidualBlock
from mmbfbox.search.scoring.fast.kernels import normalise_
from mmbfbox.search.scoring.fast.norms import PathNorm

HALF = 4
"""What a depthwise 9x9 convolution sees on each side of its centre."""

ALIGNED = 8
"""Tensor cores want channels in such multiples."""


class FusedResidual(nn.Module):
    """A residual block whose last norm also adds the shortcut and applies ReLU.

    Args:
        block: its modules are shared.
    """

    def __init__(self, block: ResidualBlock) -> None:
        super().__init__()
        self.block = block
        last: Any = block.convs[-1]
        last.norm.relu = True

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        shortcut = x if self.block.shortcut is None else self.block.shortcut(x)
        last: Any
        *convs, last = self.block.convs
        for conv in convs:
            x = conv(x)
        y: Tensor = last.norm(last.conv(x), shortcut)
        return y


class QuarteredDepthwise(nn.Module):
    """A depthwise 9x9 convolution as the sum of four 5x5 ones, one for each quarter of the kernel.

    In channels-last layout cuDNN has a quick kernel up to 7x7; for 9x9 it takes many times as long.

    Args:
        conv: depthwise, 9x9, padding 4, without bias.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.stride = conv.stride
        self.groups = conv.groups
        weight = conv.weight.detach()
        # The second half of a side begins at the centre, which belongs to the first.
        low, high = weight[:, :, : HALF + 1], pad(weight[:, :, HALF + 1 :], (0, 0, 1, 0))
        self._quarters = [
            quarter.contiguous()
            for half in (low, high)
            for quarter in (half[..., : HALF + 1], pad(half[..., HALF + 1 :], (1, 0)))
        ]

    @staticmethod
    def fits(module: nn.Module) -> bool:
        """Whether a module is such a convolution."""
        return (
            isinstance(module, nn.Conv2d)
            and module.groups == module.in_channels == module.out_channels
            and module.kernel_size == (2 * HALF + 1,) * 2
            and module.padding == (HALF, HALF)
            and module.dilation == (1, 1)
            and module.stride in ((1, 1), (2, 2))
            and module.bias is None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply the convolution."""
        size = [
            (side - 1) // step + 1 for side, step in zip(x.shape[-2:], self.stride, strict=True)
        ]
        # The quick kernel pads by half of its own size; so the other half is padded here.
        x = pad(x, (HALF // 2,) * 4)
        total: Tensor | None = None
        for number, weight in enumerate(self._quarters):
            whole = conv2d(x, weight, None, self.stride, HALF // 2, groups=self.groups)
            # A quarter sees what is left of (above) the centre; four pixels on, it sees the rest.
            top, left = (HALF // step * on for step, on in zip(self.stride, divmod(number, 2)))
            part = whole[..., top : top + size[0], left : left + size[1]]
            total = part if total is None else total + part
        assert total is not None
        return total


class FusedBias(nn.Module):
    """A convolution whose bias and ReLU are applied in one pass over its output.

    Args:
        conv: its weight is shared.
    """

    def __init__(self, conv: nn.Conv2d) -> None:
        super().__init__()
        self.conv = conv
        assert conv.bias is not None
        self._bias = conv.bias.detach().float()
        # A batch norm of these does nothing but add the bias.
        self._mean, self._one = torch.zeros_like(self._bias), torch.ones_like(self._bias)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the convolution, its bias and ReLU."""
        conv, one = self.conv, self._one
        y = conv2d(x, conv.weight, None, conv.stride, conv.padding, conv.dilation, conv.groups)
        return normalise_(y, self._mean, one, one, self._bias, 0.0, relu=True)


class JoinedHead(nn.Module):
    """The two convolutions of each level of a head as one, which reads the level once.

    Args:
        head: its weights are copied.
    """

    def __init__(self, head: PerLevelRetinaHead) -> None:
        super().__init__()
        pairs: list[Any] = list(zip(head.retina_cls, head.retina_reg, strict=True))
        self.widths: list[int] = [conv.out_channels for conv in pairs[0]]
        self.convs = nn.ModuleList()
        for scores, deltas in pairs:
            width = -(-sum(self.widths) // ALIGNED) * ALIGNED
            device = scores.weight.device
            conv = nn.Conv2d(scores.in_channels, width, 3, padding=1, device=device)
            conv.requires_grad_(False)
            for parameter in conv.parameters():
                parameter.zero_()
            for name in ('weight', 'bias'):
                both = torch.cat([getattr(scores, name), getattr(deltas, name)])
                getattr(conv, name)[: len(both)] = both
            self.convs.append(conv)

    def forward(self, levels: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and box deltas of each level, as the head gives them."""
        outputs = [conv(level) for conv, level in zip(self.convs, levels, strict=True)]
        first, second = self.widths
        scores = [output[:, :first] for output in outputs]
        return scores, [output[:, first : first + second] for output in outputs]


@torch.no_grad()
def fuse(model: Any) -> Any:
    """Put the quicker forms into a detector whose norms are path norms, and return its head's.

    Args:
        model: a supernet; changed in place, but for its head.
    """
    for module in model.backbone.modules():
        if isinstance(module, PathNorm):
            module.fused = True
        if isinstance(module, ConvModule):
            if isinstance(module.norm, PathNorm) and _applies_relu(module):
                module.norm.relu, module.with_activation = True, False
            if QuarteredDepthwise.fits(module.conv):
                module.conv = QuarteredDepthwise(module.conv)
    for module in model.neck.modules():
        if isinstance(module, ConvModule) and module.with_bias and _applies_relu(module):
            module.conv, module.with_activation = FusedBias(module.conv), False
    for parent in list(model.backbone.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, ResidualBlock) and isinstance(child.convs[-1].norm, PathNorm):
                setattr(parent, name, FusedResidual(child))
    head = model.bbox_head
    return JoinedHead(head) if type(head) is PerLevelRetinaHead else head


def _applies_relu(module: ConvModule) -> bool:
    return module.with_activation and isinstance(module.activate, nn.ReLU)
