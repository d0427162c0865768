"""What every anchor of a batch should say, computed without waiting for the device.

mmdet picks the positive anchors out. How many there are only the device knows, so that each image costs
several waits for it. Here every anchor has a target, and a mask says which ones count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmdet.models.task_modules.assigners import BaseAssigner
from mmengine.structures import InstanceData
from torch import Tensor


class DenseTargets(NamedTuple):
    """Targets of the A anchors of N images."""

    labels: Tensor
    """(N, A) class numbers; the number of classes stands for background."""
    weights: Tensor
    """(N, A) 1, or 0 where an anchor has no loss."""
    boxes: Tensor
    """(N, A, 4) the face, xyxy pixels; the anchor itself where it is not positive."""
    positive: Tensor
    """(N, A) whether an anchor learns a face."""

    @property
    def number(self) -> Tensor:
        """Number of positives () as float32; each image counts as one at least, as in mmdet."""
        return self.positive.sum(1).clamp(min=1).sum().float()


def dense_targets(
    anchors: Tensor,
    sizes: Sequence[tuple[int, int]],
    assigner: BaseAssigner,
    batch_faces: Sequence[InstanceData],
    batch_ignored: Sequence[InstanceData | None],
    batch_valid: Sequence[Tensor | None],
    num_classes: int,
) -> DenseTargets:
    """Assign the anchors (A, 4) to the faces of each image.

    Args:
        anchors: xyxy pixels, level after level.
        sizes: height and width of each level, which have as many anchors at each place.
        assigner: says which anchor learns which face.
        batch_faces: ``bboxes`` (F, 4) xyxy pixels and ``labels`` (F,) of each image.
        batch_ignored: ``bboxes`` of the ignored faces of each image.
        batch_valid: which anchors (A,) of each image take part; None for all of them. Others have no loss.
        num_classes: number of classes, which is the label of background.
    """
    places = [height * width for height, width in sizes]
    counts = [len(anchors) * number // sum(places) for number in places]
    parts = []
    for faces, ignored, valid in zip(batch_faces, batch_ignored, batch_valid, strict=True):
        if valid is None:
            priors = InstanceData(priors=anchors, metainfo=dict(level_sizes=sizes))
            used = counts
        else:
            priors = InstanceData(priors=anchors[valid])
            used = [int(part.sum()) for part in valid.split(counts)]
        result = assigner.assign(
            pred_instances=priors,
            gt_instances=faces,
            gt_instances_ignore=ignored,
            num_level_priors=used,
        )
        assigned, labels = result.gt_inds, result.labels
        if valid is not None:
            assigned, labels = (
                values.new_full(valid.shape, -1).masked_scatter(valid, values)
                for values in (assigned, labels)
            )
        positive = assigned > 0
        boxes = anchors
        if len(faces):
            boxes = faces.bboxes[(assigned - 1).clamp(min=0)]
            boxes = torch.where(positive[:, None], boxes, anchors)
        parts.append(
            (
                torch.where(positive, labels, num_classes),
                (assigned >= 0).float(),
                boxes,
                positive,
            )
        )
    return DenseTargets(*map(torch.stack, zip(*parts, strict=True)))


def encode(anchors: Tensor, boxes: Tensor, means: Sequence[float], stds: Sequence[float]) -> Tensor:
    """What moves each anchor (..., 4) onto its box (..., 4), as ``DeltaXYWHBBoxCoder`` has it.

    Args:
        means: subtracted from the deltas of x, y, width and height.
        stds: the deltas are divided by them.
    """
    deltas = []
    for low, high in ((0, 2), (1, 3)):
        centre = (anchors[..., low] + anchors[..., high]) * 0.5
        goal = (boxes[..., low] + boxes[..., high]) * 0.5
        deltas.append((goal - centre) / (anchors[..., high] - anchors[..., low]))
    for low, high in ((0, 2), (1, 3)):
        length = anchors[..., high] - anchors[..., low]
        deltas.append(torch.log((boxes[..., high] - boxes[..., low]) / length))
    scaled = [(delta - mean) / std for delta, mean, std in zip(deltas, means, stds, strict=True)]
    return torch.stack(scaled, dim=-1)
