"""What an arch costs: additive tables of multiply-adds and parameters.

Every slot and level has its own entry, so the cost of an arch is a sum of a few dozen numbers and no
network is built. Multiply-adds are those of the convolutions; parameters are all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from mmbfbox.errors import UserError
from mmbfbox.space.arch import Arch
from mmbfbox.space.backbone import Stages
from mmbfbox.space.blocks import Conv
from mmbfbox.space.joint import JointSpace

ATTENTIONS = ('spatial', 'edge', None)


class Cost(NamedTuple):
    """Multiply-adds and parameters."""

    macs: int
    params: int

    def plus(self, other: Cost) -> Cost:
        """Sum of both."""
        return Cost(self.macs + other.macs, self.params + other.params)


def receptive_convs(kind: str | None, channels: int, norm: bool = False) -> dict[str, Conv]:
    """The convolutions of a receptive-field module that keeps the number of channels.

    ``'rfe'``: receptive field enhancement of SRN: four branches 1x1 - (1x5, 5x1, 1x3, 3x1) - 1x1 of a
    quarter of the width, then a 1x1 on their concatenation. ``'smooth'``: one 3x3. ``'ssh'``: the
    context module of SSH: 3x3 of half the width beside two 3x3 stacks of a quarter each. With ``norm``
    each convolution has a norm instead of a bias.

    Raises:
        UserError: unknown kind, or a width that it cannot divide.

    Example:
        >>> convs = receptive_convs('ssh', 16)
        >>> {name: conv.out_channels for name, conv in convs.items()}
        {'context3': 8, 'shared': 4, 'context5': 4, 'context7_1': 4, 'context7_2': 4}
    """
    if kind is None:
        return {}
    if kind == 'smooth':
        return {'smooth': Conv(channels, channels, (3, 3), norm=norm, bias=not norm)}
    if kind not in ('rfe', 'ssh'):
        raise UserError(
            f"receptive field module {kind!r} is not one of 'rfe', 'smooth', 'ssh', None"
        )
    if channels % 4:
        raise UserError(f'{kind!r} needs a multiple of 4 channels, {channels} were given')
    quarter = channels // 4

    def plain(cin: int, cout: int, *kernel: int) -> Conv:
        return Conv(cin, cout, (kernel[0], kernel[1]), norm=norm, bias=not norm)

    if kind == 'ssh':
        return {
            'context3': plain(channels, channels // 2, 3, 3),
            'shared': plain(channels, quarter, 3, 3),
            'context5': plain(quarter, quarter, 3, 3),
            'context7_1': plain(quarter, quarter, 3, 3),
            'context7_2': plain(quarter, quarter, 3, 3),
        }
    convs: dict[str, Conv] = {}
    for index, kernel in enumerate(((1, 5), (5, 1), (1, 3), (3, 1))):
        convs[f'branch{index}_in'] = plain(channels, quarter, 1, 1)
        convs[f'branch{index}_mid'] = plain(quarter, quarter, *kernel)
        convs[f'branch{index}_out'] = plain(quarter, quarter, 1, 1)
    return {**convs, 'fuse': plain(channels, channels, 1, 1)}


@dataclass(frozen=True)
class CostTable:
    """Costs of the archs of a space, at one input size.

    Args:
        space: the space.
        size: height and width of the input in pixels. The paper's table 9 counts the backbone at
            224x224.
        fpn_channels: channels of the pyramid.
        attention: ``'spatial'``, ``'edge'`` or None, see the FPN.
        receptive: ``'rfe'``, ``'smooth'``, ``'ssh'`` or None, see :func:`receptive_convs`.
        fpn_norm: whether laterals and receptive-field modules have norms.
        head: convolutions that the head applies to every level. None counts the backbone only.
        shared_head: whether all levels share the head's parameters.
        head_scales: further parameters of the head for each level.

    Example:
        >>> from mmbfbox.space import BackboneSpace, FpnSpace
        >>> space = JointSpace(BackboneSpace(deep_choices=('conv3',)), FpnSpace())
        >>> table = CostTable(space, (224, 224))
        >>> f'{table.backbone((("conv3",) * 4,) * 6).macs / 1e9:.3f} G'
        '1.673 G'
    """

    space: JointSpace
    size: tuple[int, int] = (224, 224)
    fpn_channels: int = 256
    attention: str | None = 'spatial'
    receptive: str | None = 'rfe'
    fpn_norm: bool = False
    head: tuple[Conv, ...] = ()
    shared_head: bool = False
    head_scales: int = 0

    @cached_property
    def _sizes(self) -> list[tuple[int, int]]:
        """Height and width of the stem's output and of each stage's output."""
        height, width = self.size
        sizes = []
        for stride in (4, 1, *(2,) * (len(self.space.backbone.depths) - 1)):
            # The stem halves twice, rounding up each time, which is one ceiling by 4.
            height, width = -(-height // stride), -(-width // stride)
            sizes.append((height, width))
        return sizes

    @cached_property
    def stem(self) -> Cost:
        """Cost of the stem."""
        stem = self.space.backbone.stem
        return Cost(stem.macs(*self.size), stem.params)

    @cached_property
    def slots(self) -> list[list[dict[str, Cost]]]:
        """Cost of every choice of every slot of every stage."""
        space = self.space.backbone
        table = []
        for stage, slots in enumerate(space.slots):
            row = []
            for slot, choices in enumerate(slots):
                size = self._sizes[stage if slot == 0 else stage + 1]
                blocks = {choice: space.block(stage, slot, choice) for choice in choices}
                row.append({name: Cost(b.macs(*size), b.params) for name, b in blocks.items()})
            table.append(row)
        return table

    @cached_property
    def fixed(self) -> Cost:
        """Cost of the FPN and the head: every wiring has the same convolutions."""
        total = Cost(0, 0)
        channels, targets = self.fpn_channels, self.space.fpn.targets
        norm = self.fpn_norm
        receptive = receptive_convs(self.receptive, channels, norm).values()
        for index, level in enumerate(self.space.fpn.levels):
            stage = self.space.backbone.levels.index(level)
            size = self._sizes[stage + 1]
            width = self.space.backbone.out_channels[stage]
            convs = [Conv(width, channels, norm=norm, bias=not norm)]
            if level in targets:
                convs += receptive
                if self.attention == 'spatial':
                    # Its channel mean makes the 3x3 convolution collapse to a single output channel.
                    attention = Conv(channels, 1, (3, 3), norm=False)
                    total = total.plus(Cost(attention.macs(*size), channels * attention.params))
            total = total.plus(_sum(convs, size))
            head = _sum(self.head, size)
            own = head.params if index == 0 or not self.shared_head else 0
            total = total.plus(Cost(head.macs, own + self.head_scales))
        if self.attention == 'edge':
            total = total.plus(Cost(0, channels * len(targets)))
        return total

    def backbone(self, stages: Stages) -> Cost:
        """Cost of a backbone."""
        total = self.stem
        for choices, slots in zip(stages, self.slots, strict=True):
            for choice, table in zip(choices, slots, strict=True):
                total = total.plus(table[choice])
        return total

    def detector(self, arch: Arch) -> Cost:
        """Cost of the whole detector: backbone, FPN and head."""
        return self.backbone(arch.stages).plus(self.fixed)

    def extremes(self) -> tuple[Stages, Stages]:
        """The backbones with the fewest and with the most multiply-adds."""

        def best(sign: int) -> Stages:
            return tuple(
                tuple(min(table, key=lambda name: sign * table[name].macs) for table in slots)
                for slots in self.slots
            )

        return best(1), best(-1)


def _sum(convs: Iterable[Conv], size: tuple[int, int]) -> Cost:
    convs = list(convs)
    return Cost(sum(conv.macs(*size) for conv in convs), sum(conv.params for conv in convs))
