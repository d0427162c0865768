"""Non-maximum suppression by greatest score: ``nms`` and ``nms_match``."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbfbox_ops.checks import check_float32
from mmbfbox_ops.compiling import compiled
from mmbfbox_ops.suppression_cuda import nms_on_device


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float, offset: int) -> Tensor:
    """Indices of the boxes that no better kept box overlaps by more than ``iou_threshold``, best first.

    Args:
        boxes: ``(N, 4)`` float32, xyxy in pixels.
        scores: ``(N,)``.
        iou_threshold: greatest IoU that is kept, compared in float32.
        offset: a box is ``x2 - x1 + offset`` wide, 0 or 1.

    Raises:
        RuntimeError: the boxes are not float32, as in the compiled operator.
    """
    if boxes.numel() == 0:
        return boxes.new_empty(0, dtype=torch.long)
    check_float32(boxes, 'nms')
    if boxes.device.type != 'cpu':
        return nms_on_device(boxes, scores, iou_threshold, offset)
    # The very call of the compiled operator: its order of equal scores is part of the result.
    order = scores.sort(dim=0, descending=True).indices
    keepers = _greedy(_columns(boxes, order), np.float32(iou_threshold), np.float32(offset), False)
    return order[torch.from_numpy(keepers == np.arange(len(keepers)))]


def nms_match(dets: Tensor, iou_threshold: float) -> list[list[int]]:
    """Groups of boxes: each kept one, then those that it suppresses, by falling score.

    Unlike in ``nms``, an IoU equal to the threshold suppresses, too.

    Args:
        dets: ``(N, 5)`` float32 on the CPU, xyxy in pixels and score.
        iou_threshold: least IoU that joins a group, compared in float32.

    Raises:
        RuntimeError: the boxes are not float32, as in the compiled operator.
    """
    check_float32(dets, 'nms_match')
    order = dets[:, 4].contiguous().sort(dim=0, descending=True).indices
    keepers = _greedy(_columns(dets, order), np.float32(iou_threshold), np.float32(0), True)
    groups: dict[int, list[int]] = {}
    for keeper, index in zip(keepers.tolist(), order.tolist(), strict=True):
        groups.setdefault(keeper, []).append(index)
    return list(groups.values())


def _columns(boxes: Tensor, order: Tensor) -> NDArray[np.float32]:
    """``(4, N)``: left, top, right and bottom edges in this order, each contiguous."""
    columns: NDArray[np.float32] = boxes.detach()[order, :4].T.contiguous().numpy()
    return columns


@compiled
def _greedy(columns: Any, threshold: Any, offset: Any, touching: bool) -> Any:
    """For each box, by falling score: the position of the kept box that suppresses it, or its own.

    ``touching``: whether an IoU equal to the threshold suppresses.
    """
    x1, y1, x2, y2 = columns
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    zero = np.float32(0)
    number = len(x1)
    keepers = np.full(number, -1, np.int32)
    for i in range(number):
        if keepers[i] >= 0:
            continue
        keepers[i] = i
        left, top, right, bottom, area = x1[i], y1[i], x2[i], y2[i], areas[i]
        for j in range(i + 1, number):
            # Written out: min() and max() take care of NaN, which costs more than all the rest.
            w = (x2[j] if x2[j] < right else right) - (x1[j] if left < x1[j] else left) + offset
            h = (y2[j] if y2[j] < bottom else bottom) - (y1[j] if top < y1[j] else top) + offset
            shared = (w if zero < w else zero) * (h if zero < h else zero)
            iou = shared / (area + areas[j] - shared)
            if keepers[j] < 0 and (iou > threshold or (touching and iou == threshold)):
                keepers[j] = i
    return keepers
