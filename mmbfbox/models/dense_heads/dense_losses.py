"""Losses of every anchor at once, computed without waiting for the device.

mmdet's quality focal loss picks the positive anchors out, its IoU losses ask whether there are any, and its
box coder copies its constants to the device at each call: all of these wait on a GPU, and none can be part of
a CUDA graph. The values are mmdet's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from mmdet.models.losses import CIoULoss, DIoULoss, GIoULoss, IoULoss, SmoothL1Loss
from mmdet.models.losses.iou_loss import ciou_loss, diou_loss, giou_loss, iou_loss
from mmdet.models.losses.smooth_l1_loss import l1_loss, smooth_l1_loss
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

IOU_LOSSES = (IoULoss, GIoULoss, DIoULoss, CIoULoss)
"""The box losses that compare boxes."""

_FUNCTIONS: dict[type[nn.Module], Callable[..., Tensor]] = {
    IoULoss: iou_loss,
    GIoULoss: giou_loss,
    DIoULoss: diou_loss,
    CIoULoss: ciou_loss,
}
_EPS = 1e-6
_DIVISOR_EPS = torch.finfo(torch.float32).eps
_MOST = abs(math.log(16 / 1000))
"""mmdet's limit to how much a box may differ in size from its anchor."""


def quality_focal_loss(
    scores: Tensor, goals: Tensor, weights: Tensor, beta: float, divisor: Tensor
) -> Tensor:
    """Quality focal loss () of Generalized Focal Loss (Li et al., NeurIPS 2020), section 3.

    Args:
        scores: logits ``(N, C)``.
        goals: ``(N, C)``, the IoU of a positive anchor's box in the column of its class, else 0.
        weights: ``(N,)``.
        beta: exponent of the distance between score and goal.
        divisor: () of the sum.
    """
    distance = (goals - scores.sigmoid()).abs()
    values = binary_cross_entropy_with_logits(scores, goals, reduction='none') * distance.pow(beta)
    return (values.sum(1) * weights).sum() / (divisor + _DIVISOR_EPS)


def iou_box_loss(
    module: nn.Module, boxes: Tensor, goals: Tensor, weights: Tensor, divisor: Tensor
) -> Tensor:
    """What one of :data:`IOU_LOSSES` says ().

    Args:
        module: the loss.
        boxes: ``(N, 4)`` xyxy pixels.
        goals: ``(N, 4)`` xyxy pixels.
        weights: ``(N,)``.
        divisor: () of the sum.
    """
    options = dict(mode=module.mode) if isinstance(module, IoULoss) else {}
    scale: Any = module.loss_weight
    loss: Tensor = scale * _FUNCTIONS[type(module)](
        boxes, goals, weights, eps=module.eps, reduction='mean', avg_factor=divisor, **options
    )
    return loss


def delta_box_loss(
    module: nn.Module, deltas: Tensor, goals: Tensor, weights: Tensor | None, divisor: Tensor
) -> Tensor:
    """What ``SmoothL1Loss`` or ``L1Loss`` says ().

    Args:
        module: the loss.
        deltas: ``(N, 4)``.
        goals: ``(N, 4)``.
        weights: ``(N, 4)``, or None.
        divisor: () of the sum.
    """
    smooth = isinstance(module, SmoothL1Loss)
    function, options = (smooth_l1_loss, dict(beta=module.beta)) if smooth else (l1_loss, {})
    loss: Tensor = module.loss_weight * function(
        deltas, goals, weights, reduction='mean', avg_factor=divisor, **options
    )
    return loss


def aligned_iou(boxes: Tensor, others: Tensor) -> Tensor:
    """IoU ``(N,)`` of each box ``(N, 4)`` xyxy with the other one in its row."""
    areas = [(b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (boxes, others)]
    low = torch.max(boxes[:, :2], others[:, :2])
    high = torch.min(boxes[:, 2:], others[:, 2:])
    sides = (high - low).clamp(min=0)
    overlap = sides[:, 0] * sides[:, 1]
    return overlap / (areas[0] + areas[1] - overlap).clamp(min=_EPS)


def decode(
    anchors: Tensor, deltas: Tensor, means: Sequence[float], stds: Sequence[float]
) -> Tensor:
    """Boxes ``(..., 4)`` xyxy of anchors ``(..., 4)`` moved by deltas, as ``DeltaXYWHBBoxCoder`` has it.

    Args:
        anchors: xyxy pixels.
        deltas: of x, y, width and height.
        means: added to the deltas.
        stds: the deltas are multiplied by them before.
    """
    moves = deltas
    if any(std != 1 for std in stds) or any(mean != 0 for mean in means):
        columns = zip(deltas.unbind(-1), means, stds, strict=True)
        moves = torch.stack([column * std + mean for column, mean, std in columns], dim=-1)
    low, high = anchors[..., :2], anchors[..., 2:]
    size = high - low
    centre = (low + high) * 0.5 + size * moves[..., :2]
    half = size * moves[..., 2:].clamp(min=-_MOST, max=_MOST).exp() * 0.5
    return torch.cat([centre - half, centre + half], dim=-1)
