"""What every anchor of a batch should say, computed without waiting for the device.

mmdet picks the positive anchors out. How many there are only the device knows, so that each image costs
several waits for it. Here every anchor has a target, and a mask says which ones count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from mmengine.structures import InstanceData
from torch import Tensor

from mmbfbox.models.task_modules.face_assigner import FaceAssigner


class DenseTargets(NamedTuple):
    """Targets of the A anchors of N images."""

    labels: Tensor
    """(N, A) class numbers; the number of classes stands for background."""
    weights: Tensor
    """(N, A) 1, or 0 where an anchor has no loss."""
    deltas: Tensor
    """(N, A, 4) box deltas, 0 where an anchor is not positive."""
    positive: Tensor
    """(N, A) whether an anchor learns a face."""

    @property
    def number(self) -> Tensor:
        """Number of positives () as float32; each image counts as one at least, as in mmdet."""
        return self.positive.sum(1).clamp(min=1).sum().float()


def dense_targets(
    anchors: Tensor,
    assigner: FaceAssigner,
    batch_faces: Sequence[InstanceData],
    batch_ignored: Sequence[InstanceData | None],
    num_classes: int,
    means: Sequence[float],
    stds: Sequence[float],
) -> DenseTargets:
    """Assign the anchors (A, 4) to the faces of each image.

    Args:
        anchors: xyxy pixels.
        assigner: says which anchor learns which face.
        batch_faces: ``bboxes`` (F, 4) xyxy pixels and ``labels`` (F,) of each image.
        batch_ignored: ``bboxes`` of the ignored faces of each image.
        num_classes: number of classes, which is the label of background.
        means: subtracted from the deltas of x, y, width and height.
        stds: the deltas are divided by them.
    """
    priors = InstanceData(priors=anchors)
    parts = []
    for faces, ignored in zip(batch_faces, batch_ignored, strict=True):
        result = assigner.assign(priors, faces, ignored)
        assigned = result.gt_inds
        positive = assigned > 0
        boxes = faces.bboxes[(assigned - 1).clamp(min=0)] if len(faces) else anchors
        parts.append(
            (
                torch.where(positive, result.labels, num_classes),
                (assigned >= 0).float(),
                # Not multiplied: the delta of an empty face is infinite.
                torch.where(positive[:, None], _deltas(anchors, boxes, means, stds), 0.0),
                positive,
            )
        )
    return DenseTargets(*map(torch.stack, zip(*parts, strict=True)))


def _deltas(
    anchors: Tensor, boxes: Tensor, means: Sequence[float], stds: Sequence[float]
) -> Tensor:
    """What moves each anchor (A, 4) onto its box (A, 4), as ``DeltaXYWHBBoxCoder`` has it: (A, 4)."""
    deltas = []
    for low, high in ((0, 2), (1, 3)):
        centre = (anchors[:, low] + anchors[:, high]) * 0.5
        goal = (boxes[:, low] + boxes[:, high]) * 0.5
        deltas.append((goal - centre) / (anchors[:, high] - anchors[:, low]))
    for low, high in ((0, 2), (1, 3)):
        length = anchors[:, high] - anchors[:, low]
        deltas.append(torch.log((boxes[:, high] - boxes[:, low]) / length))
    scaled = [(delta - mean) / std for delta, mean, std in zip(deltas, means, stds, strict=True)]
    return torch.stack(scaled, dim=-1)
