"""Non-maximum suppression in plain torch, for tensors on any device."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK = 2048
"""Boxes that are compared with as many others at once: 16 MB for each number of a pair."""


def nms_on_device(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """As ``nms``, with the same arithmetic and so the same boxes, without leaving the device.

    Sorted boxes are settled block by block. Within one, everybody starts as kept and goes on as long
    as the answer changes: a box stays if no kept better one overlaps it. After k rounds the first k
    boxes are final; in practice it ends after the longest chain of boxes that overlap only the next.

    Args:
        boxes: ``(N, 4)`` float32, xyxy in pixels.
        scores: ``(N,)``.
        iou_threshold: greatest IoU that is kept.
        offset: a box is ``x2 - x1 + offset`` wide, 0 or 1.
    """
    threshold = torch.tensor(iou_threshold, dtype=torch.float32, device=boxes.device)
    order = scores.sort(dim=0, descending=True).indices
    blocks = boxes.detach()[order].split(BLOCK)
    kept = [boxes.new_ones(len(block), dtype=torch.bool) for block in blocks]
    for number, block in enumerate(blocks):
        overlapping = (_ious(block, block, offset) > threshold).triu(diagonal=1)
        kept[number] = _settle(kept[number], overlapping)
        winners = block[kept[number]]
        for later in range(number + 1, len(blocks)):
            kept[later] &= ~(_ious(winners, blocks[later], offset) > threshold).any(dim=0)
    return order[torch.cat(kept)]


def _settle(alive: Tensor, overlapping: Tensor) -> Tensor:
    """Which of the boxes ``alive`` no better kept one overlaps; ``overlapping[better, worse]``."""
    kept = alive
    while True:
        now = alive & ~(overlapping & kept[:, None]).any(dim=0)
        if torch.equal(now, kept):
            return kept
        kept = now


def _ious(some: Tensor, others: Tensor, offset: int) -> Tensor:
    """``(N, M)``; NaN, which is above no threshold, where both have no area."""
    least, most = torch.maximum, torch.minimum
    corner = least(some[:, None, :2], others[None, :, :2])
    size = (most(some[:, None, 2:], others[None, :, 2:]) - corner + offset).clamp(min=0)
    shared = size[..., 0] * size[..., 1]
    areas = [(b[:, 2] - b[:, 0] + offset) * (b[:, 3] - b[:, 1] + offset) for b in (some, others)]
    return shared / (areas[0][:, None] + areas[1] - shared)
