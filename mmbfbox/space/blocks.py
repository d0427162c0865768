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
            pooling, and those ``beside`` it, concatenated.
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
        size = (height, width)
        *before, last = self.convs
        pooled = replace(last, stride=last.stride * self.pool)
        return sum(_chain_macs(chain, size) for chain in ((*before, pooled), *self._others))


@dataclass(frozen=True)
class Stem:
    """What comes before the first stage: stride 4 in all.

    Args:
        channels: channels after it.
        kernel: side of the first convolution, which has stride 2.
        down: what halves its output: ``'pool'``, a 3x3 max-pool, or ``'conv'``, a 3x3 convolution.

    Raises:
        UserError: a key is out of range.

    Example:
        >>> [conv.kernel for conv in Stem(16, 3, 'conv').convs]
        [(3, 3), (3, 3)]
    """

    channels: int
    kernel: int = 7
    down: str = 'pool'

    def __post_init__(self) -> None:
        if self.channels < 1 or self.kernel < 1 or not self.kernel % 2:
            raise UserError(
                f'stem_channels is {self.channels} and stem_kernel {self.kernel}; set them to at '
                f'least 1, the kernel to an odd number'
            )
        if self.down not in ('pool', 'conv'):
            raise UserError(f"stem_down is {self.down!r}; set it to 'pool' or 'conv'")

    @property
    def convs(self) -> tuple[Conv, ...]:
        """Its convolutions, each of stride 2."""
        first = Conv(3, self.channels, (self.kernel, self.kernel), stride=2)
        second = Conv(self.channels, self.channels, (3, 3), stride=2)
        return (first, second) if self.down == 'conv' else (first,)

    @property
    def params(self) -> int:
        """Number of parameters."""
        return sum(conv.params for conv in self.convs)

    def macs(self, height: int, width: int) -> int:
        """Multiply-adds for an image of ``height x width``."""
        return _chain_macs(self.convs, (height, width))


def _chain_macs(chain: tuple[Conv, ...], size: tuple[int, int]) -> int:
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


def _mid_width(cout: int, percent: str | None, usual: int) -> int:
    """Channels inside a block: ``percent`` of its output, or the family's usual share."""
    share = int(percent) if percent else usual
    if cout * share % 100 or not share:
        raise UserError(
            f'{share} % of {cout} channels is no whole number above 0; take another width factor or '
            f'another number of channels'
        )
    return cout * share // 100


def _bottleneck(kernel: str, percent: str | None, *, cin: int, cout: int, stride: int) -> Block:
    return _residual((int(kernel),), _mid_width(cout, percent, 25), False, cin, cout, stride)


def _depthwise(
    first: str, second: str | None, percent: str | None, *, cin: int, cout: int, stride: int
) -> Block:
    kernels = (int(first), int(second)) if second else (int(first),)
    return _residual(kernels, _mid_width(cout, percent, 50), True, cin, cout, stride)


def _basic(kernel: str, percent: str | None, *, cin: int, cout: int, stride: int) -> Block:
    mid, size = _mid_width(cout, percent, 100), (int(kernel), int(kernel))
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
    half = cout // 2

    def main(width: int) -> tuple[Conv, ...]:
        return Conv(width, half), _depthwise_conv(half, int(kernel), stride), Conv(half, half)

    return _two_ways(main, int(kernel), cin, cout, stride)


def _xception(*, cin: int, cout: int, stride: int) -> Block:
    half = cout // 2

    def main(width: int) -> tuple[Conv, ...]:
        separable = (_depthwise_conv(half, 3), Conv(half, half))
        return _depthwise_conv(width, 3, stride), Conv(width, half), *separable, *separable

    return _two_ways(main, 3, cin, cout, stride)


def _inception(*, cin: int, cout: int, stride: int) -> Block:
    if cout % 8:
        raise UserError(f'an inception block needs a multiple of 8 channels, {cout} were given')
    quarter, eighth = cout // 4, cout // 8
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


_FAMILIES: dict[str, Callable[..., Block]] = {
    r'conv(\d*[13579])(?:e([1-9]\d*))?': _bottleneck,
    r'dw(\d*[13579])(?:_(\d*[13579]))?(?:e([1-9]\d*))?': _depthwise,
    r'basic(\d*[13579])(?:e([1-9]\d*))?': _basic,
    r'dense([1-9]\d*)x([1-9]\d*)': _dense,
    r'line(\d*[13579])': _line,
    'inception': _inception,
    r'shuffle(\d*[13579])': _shuffle,
    'xception': _xception,
}


@cache
def make_block(choice: str, in_channels: int, out_channels: int, stride: int = 1) -> Block:
    """The convolutions of a choice.

    ``conv5``: 1x1 - 5x5 - 1x1 bottleneck of width out/4. ``dw5``: 1x1 - depthwise 5x5 - 1x1 of width
    out/2. ``dw3_5``: the same with depthwise 3x3 and 5x5 in a row. ``basic3``: ResNet's basic block, two
    dense 3x3. ``e150`` behind one of these names makes its inside 150 % as wide as its output
    (``dw5e150``, ``conv3e50``, ``basic3e50``). ``dense2x32``: two dense 3x3 layers
    of growth 32 and a 1x1 transition. ``line5``: 1x1 - 1x5 - 5x1 - 1x1 of width out/4.
    ``inception``: Inception-v4's block A, four branches of out/4. ``shuffle5``, ``xception``: the
    choice blocks of SPOS, ShuffleNetV2's unit with a depthwise 5x5 and with three separable 3x3.
    The stride sits on the first KxK convolution, or on an average pooling before the transition.
    Widths and strides are the reading that reproduces the multiply-adds of the paper's table 9
    (docs/design.md).

    Raises:
        UserError: no family has a choice of this name, or it cannot have this width.

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
            return build(*match.groups(), cin=in_channels, cout=out_channels, stride=stride)
    raise UserError(
        f'{choice!r} is not a block; expected a name like conv3, dw5, dw3_5, basic3, dw5e150, dense2x32, '
        f'line5, inception, shuffle5 or xception (odd kernel sizes)'
    )
