"""The candidate blocks of a backbone slot, as lists of convolutions (paper, figure 2).

The networks are built and the costs are counted from the same lists. A new block is a new entry in
``_FAMILIES``; a new kind of wiring also needs a module in ``mmbfbox/models/layers/blocks.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from mmbfbox.errors import UserError

SKIP = 'skip'
"""The choice that passes its input on: a slot that takes it is not there."""


class _ShapeError(Exception):
    """Why a choice cannot have the shape that is asked for."""


@dataclass(frozen=True)
class Conv:
    """A convolution with 'same' padding, its optional batch norm (after it) and bias.

    Its output measures ``ceil(input / stride)``. ``macs`` and ``params`` count the convolution's
    multiply-adds for one output of ``height x width``, and all parameters, norm included.

    Example:
        >>> conv = Conv(64, 64, (3, 3))
        >>> conv.macs(56, 56), conv.params
        (115605504, 36992)
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
            the transition and sees them average-pooled by its ``pool``; ``'shuffle'``: half of the
            channels go through the chain, the other half stays (or the whole input goes through the
            chain and through ``beside``); ``'inception'``: the chain, which starts with an average
            pooling, and those ``beside`` it, concatenated; ``'identity'``: the input as it is, without
            any convolution.
        convs: the convolutions of the main path, in order.
        shortcut: the projection of a residual block whose input and output differ in shape.
        pool: stride of the average pooling before the last convolution of the main path.
        beside: further chains of convolutions from the input.
    """

    kind: str
    convs: tuple[Conv, ...]
    shortcut: Conv | None = None
    pool: int = 1
    beside: tuple[tuple[Conv, ...], ...] = ()

    @property
    def _others(self) -> tuple[tuple[Conv, ...], ...]:
        """Every chain but the main one."""
        return (*self.beside, (self.shortcut,)) if self.shortcut else self.beside

    @property
    def params(self) -> int:
        """Number of parameters."""
        return sum(conv.params for chain in (self.convs, *self._others) for conv in chain)

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an *input* of ``height x width``."""
        main = self.convs
        if self.pool > 1:
            main = (*main[:-1], replace(main[-1], stride=main[-1].stride * self.pool))
        return sum(chain_macs(chain, (height, width)) for chain in (main, *self._others))


def chain_macs(chain: tuple[Conv, ...], size: tuple[int, int]) -> int:
    """Multiply-adds of convolutions in a row for an input of ``size`` (height, width)."""
    height, width = size
    total = 0
    for conv in chain:
        height, width = -(-height // conv.stride), -(-width // conv.stride)
        total += conv.macs(height, width)
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


def _share(channels: int, percent: float | str) -> int:
    """So many percent of the channels."""
    width = channels * float(percent) / 100
    if not width.is_integer():
        raise _ShapeError(f'{percent} % of {channels} is no whole number')
    return int(width)


def _bottleneck(kernel: str, percent: str | None, *, cin: int, cout: int, stride: int) -> Block:
    return _residual((int(kernel),), _share(cout, percent or 25), False, cin, cout, stride)


def _depthwise(
    first: str, second: str | None, percent: str | None, *, cin: int, cout: int, stride: int
) -> Block:
    kernels = (int(first), int(second)) if second else (int(first),)
    return _residual(kernels, _share(cout, percent or 50), True, cin, cout, stride)


def _basic(kernel: str, percent: str | None, *, cin: int, cout: int, stride: int) -> Block:
    mid, size = _share(cout, percent or 100), (int(kernel), int(kernel))
    shortcut = Conv(cin, cout, stride=stride) if stride != 1 or cin != cout else None
    return Block('residual', (Conv(cin, mid, size, stride), Conv(mid, cout, size)), shortcut)


def _dense(layers: str, growth: str, *, cin: int, cout: int, stride: int) -> Block:
    grow = int(growth)
    widths = [cin + index * grow for index in range(int(layers) + 1)]
    convs = [Conv(width, grow, (3, 3)) for width in widths[:-1]]
    return Block('dense', (*convs, Conv(widths[-1], cout)), pool=stride)


def _line(kernel: str, *, cin: int, cout: int, stride: int) -> Block:
    block = _bottleneck('1', None, cin=cin, cout=cout, stride=stride)
    first, spatial, last = block.convs
    size = int(kernel)
    row = replace(spatial, kernel=(1, size))
    column = replace(spatial, kernel=(size, 1), stride=1)
    return replace(block, convs=(first, row, column, last))


def _depthwise_conv(channels: int, kernel: int, stride: int = 1) -> Conv:
    return Conv(channels, channels, (kernel, kernel), stride, groups=channels)


def _two_ways(
    main: Callable[[int], tuple[Conv, ...]], kernel: int, cin: int, cout: int, stride: int
) -> Block:
    """ShuffleNetV2's unit: a block that changes the shape sends all channels both ways.

    Args:
        main: the chain that starts with a number of channels and ends with ``cout / 2``.
        kernel: of the depthwise convolution on the other way.
    """
    if stride == 1 and cin == cout:
        return Block('shuffle', main(cout // 2))
    other = (_depthwise_conv(cin, kernel, stride), Conv(cin, cout // 2))
    return Block('shuffle', main(cin), beside=(other,))


def _shuffle(kernel: str, *, cin: int, cout: int, stride: int) -> Block:
    half = _share(cout, 50)

    def main(width: int) -> tuple[Conv, ...]:
        return Conv(width, half), _depthwise_conv(half, int(kernel), stride), Conv(half, half)

    return _two_ways(main, int(kernel), cin, cout, stride)


def _xception(*, cin: int, cout: int, stride: int) -> Block:
    half = _share(cout, 50)

    def main(width: int) -> tuple[Conv, ...]:
        separable = (_depthwise_conv(half, 3), Conv(half, half))
        return _depthwise_conv(width, 3, stride), Conv(width, half), *separable, *separable

    return _two_ways(main, 3, cin, cout, stride)


def _inception(*, cin: int, cout: int, stride: int) -> Block:
    quarter, eighth = _share(cout, 25), _share(cout, 12.5)
    narrow = Conv(cin, eighth)
    return Block(
        'inception',
        (Conv(cin, quarter),),
        pool=stride,
        beside=(
            (Conv(cin, quarter, stride=stride),),
            (narrow, Conv(eighth, quarter, (3, 3), stride)),
            (narrow, Conv(eighth, quarter, (3, 3)), Conv(quarter, quarter, (3, 3), stride)),
        ),
    )


def _skip(*, cin: int, cout: int, stride: int) -> Block:
    if cin != cout or stride != 1:
        raise _ShapeError('it passes its input on as it is')
    return Block('identity', ())


_FAMILIES: dict[str, Callable[..., Block]] = {
    r'conv(\d*[13579])(?:e([1-9]\d*))?': _bottleneck,
    r'dw(\d*[13579])(?:_(\d*[13579]))?(?:e([1-9]\d*))?': _depthwise,
    r'basic(\d*[13579])(?:e([1-9]\d*))?': _basic,
    r'dense([1-9]\d*)x([1-9]\d*)': _dense,
    r'line(\d*[13579])': _line,
    'inception': _inception,
    r'shuffle(\d*[13579])': _shuffle,
    SKIP: _skip,
    'xception': _xception,
}


@cache
def make_block(choice: str, in_channels: int, out_channels: int, stride: int = 1) -> Block:
    """The convolutions of a choice.

    ``conv5``: 1x1 - 5x5 - 1x1 bottleneck of width out/4. ``dw5``: 1x1 - depthwise 5x5 - 1x1 of width
    out/2. ``dw3_5``: the same with depthwise 3x3 and 5x5 in a row. ``basic3``: ResNet's basic block,
    two dense 3x3. ``e150`` behind one of these names makes the inside 150 % as wide as the output
    (``dw5e150``, ``conv3e50``, ``basic3e50``). ``dense2x32``: two dense 3x3 layers of growth 32 and a
    1x1 transition. ``line5``: 1x1 - 1x5 - 5x1 - 1x1 of width out/4. ``skip``: nothing at all.
    ``inception``: Inception-v4's block A, four branches of out/4. ``shuffle5``, ``xception``: the
    choice blocks of SPOS, ShuffleNetV2's unit with a depthwise 5x5 and with three separable 3x3.
    The stride sits on the first KxK convolution, or on an average pooling before the transition.
    Widths and strides are the reading that reproduces the multiply-adds of the paper's table 9
    (docs/design.md).

    Raises:
        UserError: no family has a choice of this name, or it cannot have this shape.

    Example:
        >>> block = make_block('conv3', 64, 256)
        >>> [conv.kernel for conv in block.convs]
        [(1, 1), (3, 3), (1, 1)]
        >>> block.macs(56, 56)
        231211008
    """
    for pattern, build in _FAMILIES.items():
        match = re.fullmatch(pattern, choice)
        if match:
            try:
                return build(*match.groups(), cin=in_channels, cout=out_channels, stride=stride)
            except _ShapeError as why:
                raise UserError(
                    f'{choice!r} cannot make {out_channels} channels out of {in_channels} with stride '
                    f'{stride}: {why}; change out_channels or take another choice'
                ) from None
    raise UserError(
        f'{choice!r} is not a block; expected a name like conv3, dw5, dw3_5, basic3, dw5e150, '
        f'dense2x32, line5, inception, shuffle5, xception (odd kernel sizes) or skip'
    )
