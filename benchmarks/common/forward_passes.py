"""The forward passes that no scorer can avoid."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mmbfbox.models import set_arch
from mmbfbox.search.scoring.fast.prefix import path_of, shared_length
from mmbfbox.space import Arch


class ForwardPasses:
    """Backbone in training mode on the images to recalibrate on, whole detector on the held-out ones.

    Plain PyTorch, without statistics, boxes or AP. It goes on from the activations that the arch before
    has computed as well, as the fast scorer does.

    Args:
        model: the supernet; it is copied.
        recalibration: batches of images, each of shape ``(N, 3, H, W)``, normalised.
        held_out: likewise.
    """

    def __init__(
        self, model: nn.Module, recalibration: list[Tensor], held_out: list[Tensor]
    ) -> None:
        self.runs = [(copy.deepcopy(model).train(), recalibration, False)]
        self.runs.append((copy.deepcopy(model).eval(), held_out, True))
        self.path: tuple[str, ...] = ()
        self.known: dict[tuple[bool, int], list[Tensor]] = {}

    @torch.inference_mode()
    def __call__(self, arch: Arch) -> None:
        """Compute what the path of an arch does not share with the one before."""
        path = path_of(arch)
        depth = shared_length(path, self.path)
        self.path = path
        for model, batches, whole in self.runs:
            set_arch(model, arch)
            units = [
                lambda x, b=model.backbone: b.pool(b.stem(x)),
                *(slot for stage in model.backbone.stages for slot in stage),
            ]
            ends = [
                1 + sum(len(stage) for stage in model.backbone.stages[: number + 1])
                for number in range(len(model.backbone.stages))
            ]
            for number, pixels in enumerate(batches):
                outputs = self.known.setdefault((whole, number), [pixels])
                del outputs[depth + 1 :]
                for unit in units[depth:]:
                    outputs.append(unit(outputs[-1]))
                if whole:
                    model.bbox_head(model.neck([outputs[end] for end in ends]))
