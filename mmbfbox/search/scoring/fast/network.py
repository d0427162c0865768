"""The supernet that stays in memory, as a chain of units."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from torch import Tensor, nn

from mmbfbox.engine import load_weights
from mmbfbox.errors import UserError
from mmbfbox.models import set_arch, space_of
from mmbfbox.search.scoring.fast.fused import fuse
from mmbfbox.search.scoring.fast.norms import PathNorm, path_norms, replace_norms
from mmbfbox.search.scoring.fast.prefix import Activations
from mmbfbox.search.scoring.precision import HALF, check_precision
from mmbfbox.search.scoring.recalibration import batch_norms
from mmbfbox.space import Arch
from mmbfbox.utils.quiet import build_quietly


class ResidentSupernet:
    """A supernet whose backbone runs unit by unit: the stem, then the choice of each slot.

    Its weights are not changed and its running statistics are not touched; the statistics of the
    current path stand beside them.

    Args:
        config: config of the search.
        weights: state dict of the supernet.
        device: where to compute.
        precision: ``'fp32'``, ``'tf32'``, ``'bf16'`` or ``'fp16'``; batch norms and head stay in float32.
        channels_last: memory layout.

    Attributes:
        model: the detector, in evaluation mode.
        units: how many units the backbone has.
        recalibration: pools the statistics of batches for its norms.

    Raises:
        UserError: the config is not a supernet's, its neck or head has batch norm, or the device does
            not have the precision.
    """

    def __init__(
        self,
        config: Config,
        weights: dict[str, Tensor],
        device: str,
        precision: str = 'fp32',
        channels_last: bool = True,
    ) -> None:
        check_precision(precision, device)
        model = build_quietly(lambda: MODELS.build(config.model))
        space_of(model)
        if batch_norms(model.neck) or batch_norms(model.bbox_head):
            raise UserError(
                'the neck or the head of this supernet has batch norm, which the fast scorer does not '
                'recalibrate; set search.scorer.type to reference'
            )
        load_weights(model, weights, 'the supernet')
        self.recalibration = replace_norms(model)
        model.requires_grad_(False).eval().to(device)
        self._dtype = HALF.get(precision, torch.float32)
        if precision in HALF:
            # With so few bits many scores would be the same, so the head stays in float32.
            for module in (*model.backbone.modules(), *model.neck.modules()):
                # GroupNorm, unlike batch norm, has to have the type of what it normalises.
                if isinstance(module, (nn.Conv2d, nn.GroupNorm)):
                    module.to(self._dtype)
        self._layout = torch.channels_last if channels_last else torch.contiguous_format
        self.model: Any = model.to(memory_format=self._layout)
        self._head: Any = model.bbox_head
        if torch.device(device).type == 'cuda' and channels_last:
            self._head = fuse(model).to(memory_format=self._layout)
        self._slots = [slot for stage in model.backbone.stages for slot in stage]
        self._ends = {stage[-1] for stage in model.backbone.stages}
        self.units = 1 + len(self._slots)

    def set_arch(self, arch: Arch) -> None:
        """Make ``arch`` the active path."""
        set_arch(self.model, arch)

    def begin(self, pixels: Tensor) -> Activations:
        """What stands before the first unit: normalised images, ``(N, 3, H, W)``."""
        return Activations(pixels.to(dtype=self._dtype, memory_format=self._layout))

    def advance(self, activations: Activations, unit: int, keep_maps: bool) -> Activations:
        """Apply a unit; if asked to, keep the outputs of the stages that it completes."""
        x, maps = activations.x, activations.maps
        if unit == 0:
            backbone = self.model.backbone
            return Activations(backbone.down(backbone.stem(x)), maps)
        slot = self._slots[unit - 1]
        x = slot(x)
        return Activations(x, (*maps, x) if keep_maps and slot in self._ends else maps)

    def outputs(self, maps: tuple[Tensor, ...]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and box deltas of each level, from the outputs of all stages."""
        scores, deltas = self._head([level.float() for level in self.model.neck(maps)])
        return scores, deltas

    def norms(self, unit: int) -> list[PathNorm]:
        """The norms of a unit of the active path."""
        if unit == 0:
            backbone = self.model.backbone
            return [*path_norms(backbone.stem), *path_norms(backbone.down)]
        slot = self._slots[unit - 1]
        return path_norms(slot.choices[slot.active])
