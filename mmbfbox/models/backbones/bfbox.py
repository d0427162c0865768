"""The backbone: once as a supernet with every choice in every slot, once built from an arch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from mmdet.registry import MODELS
from mmengine.model import BaseModule
from torch import Tensor, nn

from mmbfbox.errors import UserError, near_names
from mmbfbox.models.layers.blocks import ResidualBlock, build_block, make_conv
from mmbfbox.space.backbone import BackboneSpace, Stages
from mmbfbox.space.blocks import make_block
from mmbfbox.space.stem import Stem

BATCH_NORM = dict(type='BN', requires_grad=True)
INIT = [
    dict(type='Kaiming', layer='Conv2d'),
    dict(type='Constant', val=1, layer=['_BatchNorm', 'GroupNorm']),
]


class _Backbone(BaseModule):
    """Stem and stages; what stands in a slot is the subclass's business.

    Shapes: images ``(N, 3, H, W)`` to one map per stage, ``(N, out_channels[i], H / s, W / s)`` with
    strides s = 4, 8, 16, ..., rounded up.
    """

    def __init__(
        self,
        stem: Stem,
        slots: Iterable[Iterable[nn.Module]],
        norm_cfg: dict[str, Any],
        zero_init_residual: bool,
        init_cfg: Any,
    ) -> None:
        super().__init__(init_cfg=INIT if init_cfg is None else init_cfg)
        self.zero_init_residual = zero_init_residual
        first, *second = stem.convs
        self.stem = make_conv(first, norm_cfg)
        self.down = (
            make_conv(second[0], norm_cfg) if second else nn.MaxPool2d(3, stride=2, padding=1)
        )
        self.stages = nn.ModuleList(nn.Sequential(*stage) for stage in slots)

    def init_weights(self) -> None:
        """Initialise by ``init_cfg``; then, if asked to, make every residual block its shortcut."""
        super().init_weights()
        if self.zero_init_residual:
            for block in self.modules():
                if isinstance(block, ResidualBlock):
                    norm = block.convs[-1].norm
                    if norm is not None:
                        nn.init.zeros_(norm.weight)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """Feature maps of all stages."""
        x = self.down(self.stem(x))
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return tuple(outputs)


@MODELS.register_module()
class FaceBackbone(_Backbone):
    """A backbone of the face-appropriate space, built from its choices alone.

    Args:
        stages: for each stage the choice of each slot, as in an arch.
        stem_channels: channels after the stem. Defaults to 64.
        out_channels: channels after each stage. Defaults to the paper's.
        stem_kernel, stem_down: as in :class:`~mmbfbox.space.stem.Stem`.
        norm_cfg: config of the norm. Defaults to batch norm.
        zero_init_residual: start with the last norm of every residual block at 0, so that each block is
            its shortcut. Defaults to False.
        init_cfg: mmengine's initialisation config. Defaults to Kaiming.

    Raises:
        UserError: a choice is unknown, or there is not one width for each stage.

    Example:
        >>> import torch
        >>> backbone = FaceBackbone([['conv3'], ['dw5', 'dense2x32']], 8, [16, 32])
        >>> [tuple(map_.shape) for map_ in backbone(torch.zeros(1, 3, 64, 64))]
        [(1, 16, 16, 16), (1, 32, 8, 8)]
    """

    def __init__(
        self,
        stages: Sequence[Sequence[str]],
        stem_channels: int = 64,
        out_channels: Sequence[int] = BackboneSpace.out_channels,
        stem_kernel: int = Stem.kernel,
        stem_down: str = Stem.down,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        zero_init_residual: bool = False,
        init_cfg: Any = None,
    ) -> None:
        if len(stages) != len(out_channels):
            raise UserError(
                f'{len(stages)} stages were given for {len(out_channels)} out_channels; '
                f'give one width for each stage'
            )
        slots: list[list[nn.Module]] = []
        width = stem_channels
        for index, (choices, out) in enumerate(zip(stages, out_channels, strict=True)):
            slots.append([])
            for slot, choice in enumerate(choices):
                block = make_block(choice, width, out, stride=2 if index and not slot else 1)
                slots[-1].append(build_block(block, norm_cfg))
                width = out
        super().__init__(
            Stem(stem_channels, stem_kernel, stem_down),
            slots,
            norm_cfg,
            zero_init_residual,
            init_cfg,
        )


class ChoiceSlot(nn.Module):
    """Every choice of one slot; only the active one is used.

    Args:
        choices: the modules by the names of their choices.
    """

    def __init__(self, choices: dict[str, nn.Module]) -> None:
        super().__init__()
        self.choices = nn.ModuleDict(choices)
        self.active = next(iter(choices))

    def forward(self, x: Tensor) -> Tensor:
        """Apply the active choice."""
        return self.choices[self.active](x)


@MODELS.register_module()
class SearchableFaceBackbone(_Backbone):
    """The supernet of a backbone space: all choices of all slots, one active path.

    Dropping ``choices.<name>.`` from the names of the active parameters gives the names in
    :class:`FaceBackbone`.

    Args:
        norm_cfg: config of the norm. Defaults to batch norm.
        zero_init_residual: start with the last norm of every residual block at 0, so that each block is
            its shortcut. Defaults to False.
        init_cfg: mmengine's initialisation config. Defaults to Kaiming.
        space: keys of :class:`~mmbfbox.space.BackboneSpace`: ``stem_channels``, ``out_channels``,
            ``depths``, ``shallow_stages``, ``shallow_choices``, ``deep_choices``, ``stem_kernel``,
            ``stem_down``.

    Raises:
        UserError: the keys describe no space.

    Example:
        >>> import torch
        >>> backbone = SearchableFaceBackbone(
        ...     stem_channels=8, out_channels=(16, 32), depths=(1, 1), shallow_stages=1,
        ...     shallow_choices=('conv3', 'dense2x32'), deep_choices=('conv3', 'dw5'),
        ... )
        >>> backbone.set_active((('dense2x32',), ('dw5',)))
        >>> [tuple(map_.shape) for map_ in backbone(torch.zeros(1, 3, 64, 64))]
        [(1, 16, 16, 16), (1, 32, 8, 8)]
    """

    def __init__(
        self,
        norm_cfg: dict[str, Any] = BATCH_NORM,
        zero_init_residual: bool = False,
        init_cfg: Any = None,
        **space: Any,
    ) -> None:
        known = [field.name for field in fields(BackboneSpace)]
        for key in space:
            if key not in known:
                near = near_names(key, known) or known
                raise UserError(
                    f'the backbone has the key {key}, which it does not know; did you mean '
                    f'{" or ".join(near)}?'
                )
        self_space = BackboneSpace(**space)
        slots = [
            [
                ChoiceSlot(
                    {
                        choice: build_block(self_space.block(stage, slot, choice), norm_cfg)
                        for choice in choices
                    }
                )
                for slot, choices in enumerate(stage_slots)
            ]
            for stage, stage_slots in enumerate(self_space.slots)
        ]
        super().__init__(self_space.stem, slots, norm_cfg, zero_init_residual, init_cfg)
        self.space = self_space

    def slots(self) -> list[list[ChoiceSlot]]:
        """The slots of each stage."""
        return [
            [slot for slot in stage.children() if isinstance(slot, ChoiceSlot)]
            for stage in self.stages
        ]

    def set_active(self, stages: Stages) -> None:
        """Use these choices from now on.

        Raises:
            UserError: they are not in the space.
        """
        problem = self.space.problem(stages)
        if problem:
            raise UserError(f'the arch does not fit the backbone: {problem}')
        for slots, choices in zip(self.slots(), stages, strict=True):
            for slot, choice in zip(slots, choices, strict=True):
                slot.active = choice
