"""What training and search need to know of a detector with a searchable backbone and neck."""

from __future__ import annotations

from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.models.backbones.bfbox import SearchableFaceBackbone
from mmbfbox.models.dense_heads.per_level_retina_head import head_convs
from mmbfbox.models.necks.attention_fpn import SearchableAttentionFPN
from mmbfbox.space import Arch, CostTable, JointSpace


def is_supernet(model: nn.Module) -> bool:
    """Whether backbone and neck of a detector are searchable."""
    backbone, neck = getattr(model, 'backbone', None), getattr(model, 'neck', None)
    return isinstance(backbone, SearchableFaceBackbone) and isinstance(neck, SearchableAttentionFPN)


def space_of(model: nn.Module) -> JointSpace:
    """The space of a supernet.

    Raises:
        UserError: backbone or neck is not searchable, or their levels disagree.
    """
    if not is_supernet(model):
        kinds = [type(getattr(model, part, None)).__name__ for part in ('backbone', 'neck')]
        raise UserError(
            f'the detector has the backbone {kinds[0]} and the neck {kinds[1]}; a supernet needs '
            f'SearchableFaceBackbone and SearchableAttentionFPN'
        )
    return JointSpace(model.backbone.space, model.neck.space)


def set_arch(model: nn.Module, arch: Arch) -> None:
    """Make ``arch`` the active path of a supernet.

    Raises:
        UserError: the arch is not in the supernet's space.
    """
    model.backbone.set_active(arch.stages)
    model.neck.set_active(arch.merges)


def active_arch(model: nn.Module) -> Arch | None:
    """The active path of a supernet; None for any other model."""
    if not is_supernet(model):
        return None
    stages = tuple(tuple(slot.active for slot in stage) for stage in model.backbone.stages)
    return Arch(stages, tuple(model.neck.merges))


def cost_table(model: nn.Module, size: tuple[int, int]) -> CostTable:
    """The costs of all archs of a supernet at an input of ``size`` (height, width) pixels.

    Raises:
        UserError: the model is no supernet, or its head is not one whose costs are known.
    """
    space = space_of(model)
    head, shared = head_convs(model.bbox_head)
    return CostTable(
        space,
        size,
        fpn_channels=model.neck.channels,
        attention=model.neck.attention_kind,
        receptive=model.neck.receptive_kind,
        head=head,
        shared_head=shared,
    )
