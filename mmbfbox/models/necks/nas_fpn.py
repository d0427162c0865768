"""NAS-FPN: the searched pyramid of generic object detection, its wiring as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mmcv.cnn import ConvModule
from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn
from torch.nn.functional import interpolate, relu

from mmbfbox.errors import UserError
from mmbfbox.models.backbones.bfbox import BATCH_NORM
from mmbfbox.models.necks.attention_fpn import INIT, resize


class Cell(NamedTuple):
    """One merging cell.

    Args:
        kind: ``'sum'``, or ``'attention'``: the coarser input, plus the finer one times the sigmoid of
            the coarser one's global maximum.
        level: where its result lives, 0 for the finest.
        first, second: its inputs: 0..4 are the levels' own maps, then the cells in order.
        output: whether its result is an output; it then also takes in the earlier maps of its level
            that nothing has used.
    """

    kind: str
    level: int
    first: int
    second: int
    output: bool = True


LEVELS = 5
CELLS = (
    Cell('attention', 1, 1, 3, output=False),
    Cell('sum', 1, 1, 5, output=False),
    Cell('sum', 0, 0, 6),
    Cell('sum', 1, 6, 7),
    Cell('attention', 2, 7, 8),
    Cell('attention', 4, 6, 9),
    Cell('attention', 3, 9, 10),
)
"""The architecture of the paper's figure 6, with the levels counted from the finest."""


def resample(x: Tensor, like: Tensor, finer: int) -> Tensor:
    """Bring ``x`` to the size of ``like``, ``finer`` levels finer: nearest up, max-pool down."""
    size = like.shape[-2:]
    return interpolate(x, size=size, mode='nearest') if finer > 0 else resize(x, size, finer)


class _Stack(nn.Module):
    """All cells once: five maps ``(N, C, H_i, W_i)`` to five maps of the same shapes."""

    def __init__(self, channels: int, norm_cfg: dict[str, Any]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            ConvModule(channels, channels, 3, padding=1, norm_cfg=norm_cfg, act_cfg=None)
            for _ in CELLS
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        nodes, levels = list(maps), list(range(LEVELS))
        unused = set(range(LEVELS))
        results: dict[int, Tensor] = {}
        for cell, conv in zip(CELLS, self.convs, strict=True):
            unused -= {cell.first, cell.second}
            like = maps[cell.level]
            coarse, fine = sorted((cell.first, cell.second), key=lambda node: -levels[node])
            coarser, finer = (
                resample(nodes[node], like, levels[node] - cell.level) for node in (coarse, fine)
            )
            if cell.kind == 'attention':
                finer = finer * coarser.amax(dim=(-2, -1), keepdim=True).sigmoid()
            merged = coarser + finer
            if cell.output:
                left = {node for node in unused if levels[node] == cell.level}
                unused -= left
                for node in left:
                    merged = merged + nodes[node]
            unused.add(len(nodes))
            nodes.append(conv(relu(merged)))
            levels.append(cell.level)
            if cell.output:
                results[cell.level] = nodes[-1]
        return [results[level] for level in range(LEVELS)]


@MODELS.register_module()
class FaceNASFPN(BaseModule):
    """NAS-FPN (Ghiasi et al., CVPR 2019) on p2..p6; the levels above pass their lateral on.

    mmdet's NASFPN is its p3..p7 written as code, with average pooling in its attention. This one has
    the paper's cells as data and the global maximum of the authors' code. Each cell merges two maps
    (nearest up, max-pool down), then ReLU, 3x3 convolution and norm; the cells are repeated with
    weights of their own.

    Args:
        in_channels: channels of the backbone's maps, from stride 4 down; at least five.
        out_channels: channels of every output. Defaults to 256.
        repeats: how often the seven cells are stacked. Defaults to 7, as published.
        norm_cfg: config of the norm. Defaults to batch norm.
        init_cfg: mmengine's initialisation config. Defaults to Xavier.

    Raises:
        UserError: too few levels, or no repeat.

    Shapes: a list of ``(N, in_channels[i], H_i, W_i)`` to a tuple of ``(N, out_channels, H_i, W_i)``.

    Example:
        >>> import torch
        >>> maps = [torch.zeros(1, 8, size, size) for size in (32, 16, 8, 4, 2)]
        >>> [tuple(map_.shape[1:]) for map_ in FaceNASFPN((8,) * 5, 4, repeats=1)(maps)]
        [(4, 32, 32), (4, 16, 16), (4, 8, 8), (4, 4, 4), (4, 2, 2)]
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        out_channels: int = 256,
        repeats: int = 7,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        init_cfg: Any = None,
    ) -> None:
        if len(in_channels) < LEVELS or repeats < 1:
            raise UserError(
                f'{len(in_channels)} levels and repeats {repeats} were given; NAS-FPN needs at least '
                f'{LEVELS} levels and one repeat'
            )
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        self.laterals = nn.ModuleList(
            ConvModule(width, out_channels, 1, norm_cfg=norm_cfg, act_cfg=None)
            for width in in_channels
        )
        self.stacks = nn.ModuleList(_Stack(out_channels, norm_cfg) for _ in range(repeats))

    def forward(self, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The pyramid, from the finest level to the coarsest."""
        maps = [lateral(x) for lateral, x in zip(self.laterals, inputs, strict=True)]
        merged = maps[:LEVELS]
        for stack in self.stacks:
            merged = stack(merged)
        return (*merged, *maps[LEVELS:])
