"""The candidate blocks of a backbone slot, as lists of convolutions (paper, figure 2).

The networks are built and the costs are counted from the same lists. A new block is a new entry in
``_FAMILIES``; a new kind of wiring also needs a module in ``mmbfbox/models/blocks.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from mmbfbox.errors import UserError


@dataclass(frozen=True)
class Conv:
    """A convolution with 'same' padding, its optional batch norm (after it) and bias.

    Its output measures ``ceil(input / stride)``. ``macs`` and ``params`` count the convolution's
    multiply-adds for one output of ``height x width``, and all parameters, norm included.
    """

    in_channels: int
    out_channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    groups: int = 1
    norm: bool = True
    bias: bool = False

    @property
    def _weights(self) -> int:
        height, width = self.kernel
        return self.in_channels // self.groups * self.out_channels * height * width

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an output of ``height x width``."""
        return self._weights * height * width

    @property
    def params(self) -> int:
        """Weights, bias, and scale and shift of the norm."""
        return self._weights + self.out_channels * (2 * self.norm + self.bias)


@dataclass(frozen=True)
class Block:
    """One choice of a slot.

    Args:
        kind: ``'residual'``: the convolutions in a chain, plus the input (through ``shortcut`` if the
            shapes differ); ``'dense'``: each convolution sees all earlier outputs, the last one is
            the transition and sees them average-pooled by its ``pool``.
        convs: the convolutions of the main path, in order.
        shortcut: the projection of a residual block whose input and output differ in shape.
        pool: kernel and stride of the average pooling before a dense block's transition.
    """

    kind: str
    convs: tuple[Conv, ...]
    shortcut: Conv | None = None
    pool: int = 1

    @property
    def params(self) -> int:
        """Number of parameters."""
        return sum(conv.params for conv in self.convs) + (
            self.shortcut.params if self.shortcut else 0
        )

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an *input* of ``height x width``."""
        total = 0
        for index, conv in enumerate(self.convs):
            stride = conv.stride * (self.pool if index == len(self.convs) - 1 else 1)
            height, width = -(-height // stride), -(-width // stride)
            total += conv.macs(height, width)
        if self.shortcut:
            total += self.shortcut.macs(height, width)
        return total


def _residual(
    kernels: tuple[int, ...], mid: int, depthwise: bool, cin: int, cout: int, s: int
) -> Block:
    spatial = tuple(
        Conv(mid, mid, (k, k), s if index == 0 else 1, groups=mid if depthwise else 1)
        for index, k in enumerate(kernels)
    )
    shortcut = Conv(cin, cout, stride=s) if s != 1 or cin != cout else None
    return Block('residual', (Conv(cin, mid), *spatial, Conv(mid, cout)), shortcut)


def _bottleneck(kernel: str, *, cin: int, cout: int, stride: int) -> Block:
    return _residual((int(kernel),), cout // 4, False, cin, cout, stride)


def _depthwise(first: str, second: str | None, *, cin: int, cout: int, stride: int) -> Block:
    kernels = (int(first), int(second)) if second else (int(first),)
    return _residual(kernels, cout // 2, True, cin, cout, stride)


def _dense(layers: str, growth: str, *, cin: int, cout: int, stride: int) -> Block:
    grow = int(growth)
    widths = [cin + index * grow for index in range(int(layers) + 1)]
    convs = [Conv(width, grow, (3, 3)) for width in widths[:-1]]
    return Block('dense', (*convs, Conv(widths[-1], cout)), pool=stride)


_FAMILIES: dict[str, Callable[..., Block]] = {
    r'conv(\d*[13579])': _bottleneck,
    r'dw(\d*[13579])(?:_(\d*[13579]))?': _depthwise,
    r'dense([1-9]\d*)x([1-9]\d*)': _dense,
}


@cache
def make_block(choice: str, in_channels: int, out_channels: int, stride: int = 1) -> Block:
    """The convolutions of a choice.

    ``conv5``: 1x1 - 5x5 - 1x1 bottleneck of width out/4. ``dw5``: 1x1 - depthwise 5x5 - 1x1 of width
    out/2. ``dw3_5``: the same with depthwise 3x3 and 5x5 in a row. ``dense2x32``: two dense 3x3 layers
    of growth 32 and a 1x1 transition. The stride sits on the first KxK convolution, or on an average
    pooling before the transition. Widths and strides are the reading that reproduces the
    multiply-adds of the paper's table 9 (docs/design.md).

    Raises:
        UserError: no family has a choice of this name.
    """
    for pattern, build in _FAMILIES.items():
        match = re.fullmatch(pattern, choice)
        if match:
            return build(*match.groups(), cin=in_channels, cout=out_channels, stride=stride)
    raise UserError(
        f'{choice!r} is not a block; expected a name like conv3, dw5, dw3_5 or dense2x32 '
        f'(odd kernel sizes)'
    )
