"""The attention FPN: merges as data, once for every wiring of a space, once for a fixed one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, max_pool2d

from mmbfbox.errors import UserError
from mmbfbox.models.layers.blocks import make_conv
from mmbfbox.models.layers.receptive import build_receptive
from mmbfbox.space.arch import FIRST_LEVEL, Merge
from mmbfbox.space.blocks import Conv
from mmbfbox.space.costs import ATTENTIONS
from mmbfbox.space.fpn import FpnSpace, Merges

INIT = dict(type='Xavier', layer='Conv2d', distribution='uniform')


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Bring a map to another level's size: bilinear up, max-pool down.

    Args:
        x: ``(N, C, H, W)``.
        size: height and width of the other level, as its own map has them.
    """
    height, width = x.shape[-2:]
    if (height, width) == tuple(size):
        return x
    if height * width < size[0] * size[1]:
        return interpolate(x, size=tuple(size), mode='bilinear', align_corners=False)
    # Sizes of levels are halved rounding up, so ceil(H / ratio) is the size of the other level.
    ratio = -(-height // size[0]), -(-width // size[1])
    pooled = max_pool2d(x, ratio, ratio, ceil_mode=True)
    if pooled.shape[-2:] != tuple(size):
        pooled = interpolate(pooled, size=tuple(size), mode='nearest')
    return pooled


def _levels(count: int, start_level: int) -> tuple[int, ...]:
    """The pyramid's levels, if the ``start_level`` finest of ``count`` maps are left out."""
    if not 0 <= start_level <= count - 2:
        raise UserError(
            f'start_level is {start_level}, but {count} maps have to leave at least two levels; set it '
            f'to 0 to {count - 2}'
        )
    return tuple(range(FIRST_LEVEL + start_level, FIRST_LEVEL + count))


def _lateral(in_channels: int, channels: int, norm_cfg: dict[str, Any] | None) -> nn.Module:
    if norm_cfg is None:
        return nn.Conv2d(in_channels, channels, 1)
    return make_conv(Conv(in_channels, channels), norm_cfg, activate=False)


class SpatialAttention(nn.Conv2d):
    """A map between 0 and 1 from the lateral of the level that is merged.

    In the first author's code: a 3x3 convolution C to C, mean over channels, sigmoid. The mean of the
    outputs is the output of the mean filter, so the same function with the same gradients is computed
    with 1/C of the multiply-adds.

    Shapes: ``(N, C, H, W)`` to ``(N, 1, H, W)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1, bias=False)

    def forward(self, lateral: Tensor) -> Tensor:
        """The attention map."""
        return conv2d(lateral, self.weight.mean(0, keepdim=True), padding=1).sigmoid()


class EdgeGate(nn.Module):
    """A learned weight for every channel of one (target, source) pair; 1 at the start.

    Each edge has a parameter of its own: in one big tensor, momentum and weight decay would move the
    gates that were not sampled.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, lateral: Tensor) -> Tensor:
        """The gate ``(1, C, 1, 1)``, between 0 and 2; the lateral does not matter."""
        return 2 * self.logit.sigmoid()


@MODELS.register_module()
class AttentionFPN(BaseModule):
    """Feature pyramid with a fixed wiring (paper, section 4.2.2 and figure 3).

    Every level has a 1x1 lateral. A merge ``p4 = c4 + c6`` computes
    ``p4 = receptive_field(c4 + attention(c4) * resize(c6))``; the levels without a merge pass their
    lateral on.

    Args:
        in_channels: channels of the backbone's maps, from stride 4 down.
        merges: the merges in order, like ``['p4 = c4 + c6', 'p2 = c2 + p4']``.
        channels: channels of the pyramid. Defaults to 256.
        attention: ``'spatial'``, one map for each target level, shared by every wiring (the first
            author's code); ``'edge'``, a channel gate for each (target, source); None, the plain sum
            (the paper's two-step search). Defaults to ``'spatial'``.
        receptive: module after each merge: ``'rfe'``, ``'smooth'``, ``'ssh'`` or None. Defaults to
            ``'rfe'``.
        start_level: how many of the finest maps are left out. Defaults to 0; 1 starts the pyramid at
            stride 8.
        norm_cfg: norm of the laterals and of the receptive-field modules, like
            ``dict(type='GN', num_groups=8)``; None has biases instead. Defaults to None.
        init_cfg: mmengine's initialisation config. Defaults to Xavier.

    Raises:
        UserError: a merge is malformed, uses a node that does not exist yet, or a key is out of range.

    Shapes: a list of ``(N, in_channels[i], H_i, W_i)`` to a tuple of ``(N, channels, H_i, W_i)``.

    Example:
        >>> fpn = AttentionFPN([8, 16], ['p2 = c2 + c3'], channels=4)
        >>> [tuple(p.shape) for p in fpn([torch.zeros(1, 8, 6, 6), torch.zeros(1, 16, 3, 3)])]
        [(1, 4, 6, 6), (1, 4, 3, 3)]
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        merges: Iterable[str],
        channels: int = 256,
        attention: str | None = 'spatial',
        receptive: str | None = 'rfe',
        start_level: int = 0,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: Any = None,
    ) -> None:
        parsed = tuple(map(Merge.parse, merges))
        levels = _levels(len(in_channels), start_level)
        space = FpnSpace(levels, tuple(merge.target for merge in parsed))
        problem = space.problem(parsed)
        if problem:
            raise UserError(f'the FPN cannot be built: {problem}')
        edges = [(merge.target, merge.source) for merge in parsed]
        self._build(space, edges, in_channels, channels, attention, receptive, norm_cfg, init_cfg)
        self.merges = parsed

    def _build(
        self,
        space: FpnSpace,
        edges: Iterable[tuple[int, str]],
        in_channels: Sequence[int],
        channels: int,
        attention: str | None,
        receptive: str | None,
        norm_cfg: dict[str, Any] | None,
        init_cfg: Any,
    ) -> None:
        if attention not in ATTENTIONS:
            raise UserError(f'attention is {attention!r}, expected one of {ATTENTIONS}')
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        self.space = space
        self.start_level = len(in_channels) - len(space.levels)
        self.channels = channels
        self.attention_kind = attention
        self.receptive_kind = receptive
        self.norm_cfg = norm_cfg
        self.laterals = nn.ModuleDict(
            {
                f'c{level}': _lateral(width, channels, norm_cfg)
                for level, width in zip(
                    space.levels, in_channels[-len(space.levels) :], strict=True
                )
            }
        )
        self.attention = nn.ModuleDict()
        if attention == 'spatial':
            self.attention.update(
                {f'p{level}': SpatialAttention(channels) for level in space.targets}
            )
        if attention == 'edge':
            self.attention.update({f'p{level}_{name}': EdgeGate(channels) for level, name in edges})
        self.receptive = nn.ModuleDict(
            {f'p{level}': build_receptive(receptive, channels, norm_cfg) for level in space.targets}
        )

    def _weight(self, merge: Merge, lateral: Tensor) -> Tensor | None:
        if self.attention_kind is None:
            return None
        name = f'p{merge.target}'
        if self.attention_kind == 'edge':
            name = f'{name}_{merge.source}'
        return self.attention[name](lateral)

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The pyramid, from the finest level to the coarsest."""
        nodes = {
            name: lateral(x)
            for (name, lateral), x in zip(
                self.laterals.items(), inputs[self.start_level :], strict=True
            )
        }
        for merge in self.merges:
            lateral = nodes[f'c{merge.target}']
            other = resize(nodes[merge.source], lateral.shape[-2:])
            weight = self._weight(merge, lateral)
            merged = lateral + (other if weight is None else weight * other)
            nodes[f'p{merge.target}'] = self.receptive[f'p{merge.target}'](merged)
        return tuple(
            nodes[f'p{level}' if level in self.space.targets else f'c{level}']
            for level in self.space.levels
        )


@MODELS.register_module()
class SearchableAttentionFPN(AttentionFPN):
    """The supernet of an FPN space: every wiring shares the same modules.

    Parameters have the names that they have in :class:`AttentionFPN`.

    Args:
        in_channels: channels of the backbone's maps, from stride 4 down.
        targets: levels that are merged. Defaults to 2 to 6, as in the paper.
        fixed_order: merge from coarse to fine instead of in a sampled order. Defaults to False.
        channels, attention, receptive, start_level, norm_cfg, init_cfg: as in :class:`AttentionFPN`.

    Raises:
        UserError: a key is out of range.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        targets: Sequence[int] = FpnSpace.targets,
        fixed_order: bool = False,
        channels: int = 256,
        attention: str | None = 'spatial',
        receptive: str | None = 'rfe',
        start_level: int = 0,
        norm_cfg: dict[str, Any] | None = None,
        init_cfg: Any = None,
    ) -> None:
        space = FpnSpace(_levels(len(in_channels), start_level), tuple(targets), fixed_order)
        edges = [(level, source) for level in space.targets for source in space.all_sources(level)]
        self._build(space, edges, in_channels, channels, attention, receptive, norm_cfg, init_cfg)
        self.merges: Merges = tuple(
            Merge(level, space.sources(level, [])[0]) for level in reversed(space.targets)
        )

    def set_active(self, merges: Merges) -> None:
        """Use this wiring from now on.

        Raises:
            UserError: it is not in the space.
        """
        problem = self.space.problem(merges)
        if problem:
            raise UserError(f'the arch does not fit the FPN: {problem}')
        self.merges = merges
