"""What all our heads have in common: an anchor's targets and losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from mmdet.models.dense_heads import RetinaHead
from mmdet.models.losses import FocalLoss, L1Loss, QualityFocalLoss, SmoothL1Loss
from mmdet.models.task_modules.assigners import ATSSAssigner
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.models.task_modules.samplers import PseudoSampler
from mmdet.utils import reduce_mean
from mmengine.structures import InstanceData
from torch import Tensor
from torch import distributed as dist

from mmbfbox.errors import UserError
from mmbfbox.models.dense_heads.dense_losses import (
    IOU_LOSSES,
    aligned_iou,
    decode,
    delta_box_loss,
    iou_box_loss,
    quality_focal_loss,
)
from mmbfbox.models.dense_heads.dense_targets import DenseTargets, dense_targets, encode
from mmbfbox.models.task_modules.face_atss_assigner import FaceATSSAssigner

_SIZES_KEPT = 8


class FaceHead(RetinaHead):
    """A dense head with anchors whose losses do not wait for the device.

    The class loss is any of mmdet's with a sigmoid; with ``QualityFocalLoss`` a positive anchor learns the
    IoU of its own box, and boxes weigh as much as their scores, as in mmdet's GFLHead. The box loss is
    ``SmoothL1Loss`` or ``L1Loss`` on deltas, or with ``reg_decoded_bbox=True`` one of the IoU losses on
    boxes. The assigner is :class:`FaceAssigner`, :class:`FaceATSSAssigner`, or one of mmdet's. Losses are
    divided by the number of positives, averaged over the processes (:meth:`loss_by_feat`).

    Args:
        kwargs: those of mmdet's RetinaHead.

    Raises:
        UserError: the losses, the assigner and the other keys do not go together.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._anchors: dict[Any, Tensor] = {}
        self._check_keys()

    def _check_keys(self) -> None:
        if not self.num_base_priors:
            raise UserError(
                'the head has 0 anchors at each place; give its anchor_generator scales and ratios'
            )
        if isinstance(self.loss_bbox, IOU_LOSSES) and not self.reg_decoded_bbox:
            raise UserError(
                f'the {type(self.loss_bbox).__name__} of the head compares boxes, and the head would '
                f'give it deltas; set reg_decoded_bbox=True'
            )
        new = isinstance(self.loss_cls, QualityFocalLoss) or (
            self.train_cfg and isinstance(self.assigner, (ATSSAssigner, FaceATSSAssigner))
        )
        if self.train_cfg and new and not self._counts_every_anchor():
            raise UserError(
                'QualityFocalLoss and ATSS go with PseudoSampler, DeltaXYWHBBoxCoder, allowed_border=-1, '
                'pos_weight=-1 and an IoU loss, SmoothL1Loss or L1Loss; set these in train_cfg and bbox_head'
            )

    def _counts_every_anchor(self) -> bool:
        """Whether the settings are those that :meth:`loss_by_feat` knows itself."""
        kinds = IOU_LOSSES if self.reg_decoded_bbox else (SmoothL1Loss, L1Loss)
        return (
            isinstance(self.sampler, PseudoSampler)
            and type(self.bbox_coder) is DeltaXYWHBBoxCoder
            and not self.bbox_coder.add_ctr_clamp
            and isinstance(self.loss_bbox, kinds)
            and self.train_cfg.get('allowed_border', -1) < 0
            and self.train_cfg.get('pos_weight', -1) <= 0
        )

    def check_levels(self, given: int) -> None:
        """Refuse a neck whose levels are not as many as the strides of the anchors.

        Raises:
            UserError: they are not.
        """
        expected = self.prior_generator.num_levels
        if given != expected:
            raise UserError(
                f'the neck gives {given} levels, but the anchor generator has '
                f'{expected} strides; give both the same number'
            )

    def loss_by_feat(
        self,
        cls_scores: list[Tensor],
        bbox_preds: list[Tensor],
        batch_gt_instances: list[InstanceData],
        batch_img_metas: list[dict[str, Any]],
        batch_gt_instances_ignore: list[InstanceData] | None = None,
    ) -> dict[str, list[Tensor]]:
        """The losses of each level, computed in float32 also in mixed precision.

        They are those of mmdet's heads, without their waits for the device; settings that this
        project's configs do not have go mmdet's way.
        """
        scores = [score.float() for score in cls_scores]
        deltas = [delta.float() for delta in bbox_preds]
        if not self._counts_every_anchor():
            losses: dict[str, list[Tensor]] = super().loss_by_feat(
                scores, deltas, batch_gt_instances, batch_img_metas, batch_gt_instances_ignore
            )
            return losses
        targets = self.targets_of(
            [(score.shape[-2], score.shape[-1]) for score in scores],
            batch_gt_instances, batch_img_metas, batch_gt_instances_ignore, scores[0].device,
        )  # fmt: skip
        return self.losses_of(scores, deltas, targets)

    def targets_of(
        self,
        sizes: Sequence[tuple[int, int]],
        batch_gt_instances: Sequence[InstanceData],
        batch_img_metas: Sequence[dict[str, Any]],
        batch_gt_instances_ignore: Sequence[InstanceData] | None,
        device: torch.device,
    ) -> DenseTargets:
        """What every anchor of a batch should say; no output of the network decides it.

        Args:
            sizes: height and width of each level.
            batch_gt_instances: faces of each image.
            batch_img_metas: with ``pad_shape``, the image on the canvas of the batch.
            batch_gt_instances_ignore: ignored faces of each image.
            device: of the faces, and of the targets.
        """
        anchors = self._anchors_of(sizes, device)
        return dense_targets(
            anchors, sizes, self.assigner, batch_gt_instances,
            batch_gt_instances_ignore or [None] * len(batch_img_metas),
            [self._valid(sizes, meta, device) for meta in batch_img_metas],
            self.num_classes,
        )  # fmt: skip

    def losses_of(
        self, scores: Sequence[Tensor], deltas: Sequence[Tensor], targets: DenseTargets
    ) -> dict[str, list[Tensor]]:
        """The losses of each level, from its float32 outputs and the targets of all levels."""
        sizes = [(score.shape[-2], score.shape[-1]) for score in scores]
        anchors = self._anchors_of(sizes, scores[0].device)
        counts = [height * width * self.num_base_priors for height, width in sizes]
        number = _mean_over_ranks(targets.number)
        quality = isinstance(self.loss_cls, QualityFocalLoss)
        score = torch.cat([_rows(level, self.cls_out_channels) for level in scores], 1)
        # As in GFL a box counts as much as its score, and the sum of these is what is divided by.
        weights = targets.positive.float()
        divisor = number
        if quality:
            weights = weights * score.detach().sigmoid().amax(2)
            # At least 1, as in GFL: of all processes together.
            divisor = _mean_over_ranks(weights.sum()).clamp(min=1 / _ranks())
        every = (targets.labels, targets.weights, targets.boxes, targets.positive, weights)
        split = zip(*(part.split(counts, 1) for part in every), strict=True)
        levels = zip(anchors.split(counts), score.split(counts, 1), deltas, split, strict=True)
        losses: dict[str, list[Tensor]] = dict(loss_cls=[], loss_bbox=[])
        for own, values, delta, (labels, counted, boxes, positive, weight) in levels:
            moves = _rows(delta, 4)
            values, labels, counted = values.flatten(0, 1), labels.flatten(), counted.flatten()
            if quality:
                goals = self._quality(own, moves.detach(), boxes, positive, labels)
                loss = quality_focal_loss(values, goals, counted, self.loss_cls.beta, number)
                losses['loss_cls'].append(self.loss_cls.loss_weight * loss)
            else:
                goal = self._columns(labels) if isinstance(self.loss_cls, FocalLoss) else labels
                losses['loss_cls'].append(self.loss_cls(values, goal, counted, avg_factor=number))
            losses['loss_bbox'].append(
                self._box_loss(own, moves, boxes, positive, weight if quality else None, divisor)
            )
        return losses

    def _quality(
        self, anchors: Tensor, deltas: Tensor, boxes: Tensor, positive: Tensor, labels: Tensor
    ) -> Tensor:
        """IoU of the boxes that the deltas (N, A, 4) say with those of the faces.

        Returns:
            (N * A, classes), in the column of the label (N * A,); 0 where there is no face.
        """
        iou = aligned_iou(self._decode(anchors, deltas), boxes.reshape(-1, 4))
        iou = torch.where(positive.flatten(), iou, 0.0)
        return iou[:, None] * self._columns(labels)

    def _columns(self, labels: Tensor) -> Tensor:
        """Whether a label (R,) is the class of a column: (R, classes)."""
        return labels[:, None] == torch.arange(self.num_classes, device=labels.device)

    def _box_loss(
        self,
        anchors: Tensor,
        deltas: Tensor,
        boxes: Tensor,
        positive: Tensor,
        weights: Tensor | None,
        divisor: Tensor,
    ) -> Tensor:
        """The box loss of a level: () from deltas and boxes (N, A, 4)."""
        if self.reg_decoded_bbox:
            weights = positive.float() if weights is None else weights
            found, goals = self._decode(anchors, deltas), boxes.reshape(-1, 4)
            return iou_box_loss(self.loss_bbox, found, goals, weights.flatten(), divisor)
        goals = encode(anchors, boxes, self.bbox_coder.means, self.bbox_coder.stds)
        # Where target and prediction are the same, there is neither a loss nor a gradient.
        found = torch.where(positive[..., None], deltas, goals)
        if weights is not None:
            weights = weights.flatten()[:, None].expand(-1, 4)
        rows = found.reshape(-1, 4), goals.reshape(-1, 4)
        return delta_box_loss(self.loss_bbox, *rows, weights, divisor)

    def _decode(self, anchors: Tensor, deltas: Tensor) -> Tensor:
        """Boxes (N * A, 4) xyxy pixels of anchors (A, 4) moved by deltas (N, A, 4)."""
        coder = self.bbox_coder
        return decode(anchors, deltas, coder.means, coder.stds).reshape(-1, 4)

    def _valid(
        self, sizes: Sequence[tuple[int, int]], meta: dict[str, Any], device: torch.device
    ) -> Tensor | None:
        """The anchors (A,) in an image that does not fill the batch's canvas; None where all are."""
        shape = meta['pad_shape']
        if all(
            -(-shape[side] // stride[1 - side]) >= size[side]
            for stride, size in zip(self.prior_generator.strides, sizes, strict=True)
            for side in (0, 1)
        ):
            return None
        return torch.cat(self.prior_generator.valid_flags(list(sizes), shape, device))

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


def _rows(level: Tensor, channels: int) -> Tensor:
    """``(N, priors * channels, H, W)`` to ``(N, H * W * priors, channels)``."""
    return level.permute(0, 2, 3, 1).reshape(len(level), -1, channels)


def _ranks() -> int:
    """How many processes train together."""
    return dist.get_world_size() if dist.is_initialized() else 1


def _mean_over_ranks(number: Tensor) -> Tensor:
    """A number () averaged over the processes, if there are several."""
    return reduce_mean(number) if _ranks() > 1 else number
