"""What training and search need to know of a detector with a searchable backbone and neck."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.models.backbones.bfbox import SearchableFaceBackbone
from mmbfbox.models.dense_heads.head_convs import head_convs
from mmbfbox.models.necks.attention_fpn import SearchableAttentionFPN
from mmbfbox.space import Arch, CostTable, JointSpace

_CHOICE = re.compile(r'backbone\.stages\.(\d+)\.(\d+)\.choices\.([^.]+)\.')
_EDGE = re.compile(r'neck\.attention\.(p\d+_[cp]\d+)\.')


def is_supernet(model: nn.Module) -> bool:
    """Whether backbone and neck of a detector are searchable."""
    backbone, neck = getattr(model, 'backbone', None), getattr(model, 'neck', None)
    return isinstance(backbone, SearchableFaceBackbone) and isinstance(neck, SearchableAttentionFPN)


def _parts(model: nn.Module) -> tuple[SearchableFaceBackbone, SearchableAttentionFPN]:
    backbone, neck = getattr(model, 'backbone', None), getattr(model, 'neck', None)
    if isinstance(backbone, SearchableFaceBackbone) and isinstance(neck, SearchableAttentionFPN):
        return backbone, neck
    raise UserError(
        f'the detector has the backbone {type(backbone).__name__} and the neck '
        f'{type(neck).__name__}; a supernet needs SearchableFaceBackbone and SearchableAttentionFPN'
    )


def space_of(model: nn.Module) -> JointSpace:
    """The space of a supernet.

    Raises:
        UserError: backbone or neck is not searchable, or their levels disagree.
    """
    backbone, neck = _parts(model)
    return JointSpace(backbone.space, neck.space)


def set_arch(model: nn.Module, arch: Arch) -> None:
    """Make ``arch`` the active path of a supernet.

    Raises:
        UserError: the model is no supernet, or the arch is not in its space.
    """
    backbone, neck = _parts(model)
    backbone.set_active(arch.stages)
    neck.set_active(arch.merges)


def active_arch(model: nn.Module) -> Arch | None:
    """The active path of a supernet; None for any other model."""
    if not is_supernet(model):
        return None
    backbone, neck = _parts(model)
    stages = tuple(tuple(slot.active for slot in stage) for stage in backbone.slots())
    return Arch(stages, tuple(neck.merges))


def names_on_path(model: nn.Module, names: Iterable[str]) -> list[str]:
    """Those of a supernet's parameters and buffers that its active path uses; of another model all.

    Args:
        model: the detector.
        names: of its state dict.
    """
    arch = active_arch(model)
    if arch is None:
        return list(names)
    edges = {f'p{merge.target}_{merge.source}' for merge in arch.merges}

    def used(name: str) -> bool:
        choice, edge = _CHOICE.match(name), _EDGE.match(name)
        if choice:
            return arch.stages[int(choice[1])][int(choice[2])] == choice[3]
        return edge is None or edge[1] in edges

    return [name for name in names if used(name)]


def cost_table(model: nn.Module, size: tuple[int, int]) -> CostTable:
    """The costs of all archs of a supernet at an input of ``size`` (height, width) pixels.

    Raises:
        UserError: the model is no supernet, or its head is not one whose costs are known.
    """
    space, (_, neck) = space_of(model), _parts(model)
    head = head_convs(model.bbox_head)
    return CostTable(
        space,
        size,
        fpn_channels=neck.channels,
        attention=neck.attention_kind,
        receptive=neck.receptive_kind,
        fpn_norm=neck.norm_cfg is not None,
        head=head.convs,
        shared_head=head.shared,
        head_scales=head.scales,
    )
