"""The detection head of the first author's code: one convolution per level and branch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import RetinaHead
from mmdet.models.losses import L1Loss, SmoothL1Loss
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.samplers import PseudoSampler
from mmdet.registry import MODELS
from mmdet.utils import reduce_mean
from mmengine.structures import InstanceData
from torch import Tensor, nn
from torch import distributed as dist

from mmbfbox.errors import UserError
from mmbfbox.models.dense_heads.dense_targets import dense_targets
from mmbfbox.models.task_modules.face_assigner import FaceAssigner
from mmbfbox.space.blocks import Conv

_SIZES_KEPT = 8


@MODELS.register_module()
class PerLevelRetinaHead(RetinaHead):
    """RetinaHead without a tower: each level has its own two 3x3 convolutions.

    At 640x640 and 256 channels this costs 0.4 G multiply-adds; RetinaHead's shared tower of 4 + 4
    convolutions costs 161 G.

    Args:
        kwargs: those of mmdet's RetinaHead, but for ``stacked_convs``, ``conv_cfg`` and ``norm_cfg``.

    Raises:
        UserError: the inputs are not as many as the levels of the anchor generator.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, stacked_convs=0, **kwargs)
        self._anchors: dict[Any, Tensor] = {}

    def _init_layers(self) -> None:
        priors = self.num_base_priors
        levels = range(self.prior_generator.num_levels)

        def convs(channels: int) -> nn.ModuleList:
            return nn.ModuleList(
                nn.Conv2d(self.in_channels, channels, 3, padding=1) for _ in levels
            )

        self.retina_cls = convs(priors * self.cls_out_channels)
        self.retina_reg = convs(priors * self.bbox_coder.encode_size)

    def forward(self, x: Sequence[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Scores and box deltas of each level.

        Args:
            x: maps ``(N, in_channels, H_i, W_i)``, one for each level.

        Returns:
            Scores ``(N, priors * classes, H_i, W_i)`` and deltas ``(N, priors * 4, H_i, W_i)``.
        """
        if len(x) != len(self.retina_cls):
            raise UserError(
                f'the neck gives {len(x)} levels, but the anchor generator has '
                f'{len(self.retina_cls)} strides; give both the same number'
            )
        scores = [conv(level) for conv, level in zip(self.retina_cls, x, strict=True)]
        deltas = [conv(level) for conv, level in zip(self.retina_reg, x, strict=True)]
        return scores, deltas

    def loss_by_feat(
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        batch_gt_instances: list[InstanceData],
        batch_img_metas: list[dict[str, Any]],
        batch_gt_instances_ignore: list[InstanceData] | None = None,
    ) -> dict[str, list[Tensor]]:
        """The losses of each level, computed in float32 also in mixed precision.

        They are those of mmdet's head, without its waits for the device; only settings that this
        project's configs do not have, and images that do not fill the batch's canvas, go mmdet's way.
        """
        scores = [score.float() for score in cls_scores]
        deltas = [delta.float() for delta in bbox_preds]
        sizes = [tuple(score.shape[-2:]) for score in scores]
        ignored = batch_gt_instances_ignore or [None] * len(batch_img_metas)
        if not self._counts_every_anchor(sizes, batch_img_metas):
            return super().loss_by_feat(
                scores, deltas, batch_gt_instances, batch_img_metas, batch_gt_instances_ignore
            )
        targets = dense_targets(
            self._anchors_of(sizes, scores[0].device), self.assigner, batch_gt_instances, ignored,
            self.num_classes, self.bbox_coder.means, self.bbox_coder.stds,
        )  # fmt: skip
        number = _mean_over_ranks(targets.number)
        counts = [height * width * self.num_base_priors for height, width in sizes]
        levels = zip(scores, deltas, *(part.split(counts, 1) for part in targets), strict=True)
        losses: dict[str, list[Tensor]] = dict(loss_cls=[], loss_bbox=[])
        for score, delta, labels, weights, goals, positive in levels:
            score = score.permute(0, 2, 3, 1).reshape(-1, self.cls_out_channels)
            losses['loss_cls'].append(
                self.loss_cls(score, labels.reshape(-1), weights.reshape(-1), avg_factor=number)
            )
            delta = delta.permute(0, 2, 3, 1).reshape(-1, 4)
            # Where target and prediction are the same, there is neither a loss nor a gradient.
            goals = goals.reshape(-1, 4)
            delta = torch.where(positive.reshape(-1, 1), delta, goals)
            losses['loss_bbox'].append(self.loss_bbox(delta, goals, avg_factor=number))
        return losses

    def _counts_every_anchor(
        self, sizes: Sequence[tuple[int, ...]], metas: Sequence[dict[str, Any]]
    ) -> bool:
        """Whether all anchors of all images take part, and the settings are those of our configs."""
        return (
            isinstance(self.assigner, FaceAssigner)
            and isinstance(self.sampler, PseudoSampler)
            and type(self.bbox_coder) is DeltaXYWHBBoxCoder
            and isinstance(self.loss_bbox, (SmoothL1Loss, L1Loss))
            and not self.reg_decoded_bbox
            and self.train_cfg['allowed_border'] < 0
            and self.train_cfg['pos_weight'] <= 0
            and all(
                -(-meta['pad_shape'][side] // stride[1 - side]) >= size[side]
                for meta in metas
                for stride, size in zip(self.prior_generator.strides, sizes, strict=True)
                for side in (0, 1)
            )
        )

    def _anchors_of(self, sizes: Sequence[tuple[int, ...]], device: torch.device) -> Tensor:
        """Anchors (A, 4) of all levels; kept, because making them waits for the device."""
        key = (*sizes, device)
        if key not in self._anchors:
            if len(self._anchors) >= _SIZES_KEPT:
                self._anchors.clear()
            levels = self.prior_generator.grid_priors(list(sizes), device=device)
            self._anchors[key] = torch.cat(levels)
        return self._anchors[key]

    def get_targets(self, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """mmdet's targets, but the losses are divided by the mean number of positives of all ranks.

        So a face weighs the same on every rank, and the averaged gradient is that of one process with
        the joined batch. mmdet's RetinaHead divides by the rank's own number.
        """
        labels, label_weights, deltas, delta_weights, positives, *rest = super().get_targets(
            *args, **kwargs
        )
        positives = _mean_over_ranks(labels[0].new_tensor(positives, dtype=torch.float))
        return labels, label_weights, deltas, delta_weights, positives, *rest


def _mean_over_ranks(number: Tensor) -> Tensor:
    """A number () averaged over the processes, if there are several."""
    several = dist.is_initialized() and dist.get_world_size() > 1
    return reduce_mean(number) if several else number


def head_convs(head: RetinaHead) -> tuple[tuple[Conv, ...], bool]:
    """The convolutions that a head applies to each level, and whether the levels share them.

    Raises:
        UserError: neither a PerLevelRetinaHead nor a RetinaHead without norm.
    """
    if not isinstance(head, RetinaHead) or getattr(head, 'norm_cfg', None):
        raise UserError(
            f'the costs of a {type(head).__name__} are not known; use PerLevelRetinaHead, or '
            f'RetinaHead without norm_cfg'
        )

    def conv(width: int, channels: int) -> Conv:
        return Conv(width, channels, (3, 3), norm=False, bias=True)

    priors, width = head.num_base_priors, head.in_channels
    convs = []
    for _ in range(head.stacked_convs):
        convs += [conv(width, head.feat_channels)] * 2
        width = head.feat_channels
    convs.append(conv(width, priors * head.cls_out_channels))
    convs.append(conv(width, priors * head.bbox_coder.encode_size))
    return tuple(convs), not isinstance(head, PerLevelRetinaHead)
