"""Soft non-maximum suppression (Bodla et al., ICCV 2017): overlapped boxes lose score."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from mmbfbox_ops.checks import check_float32
from mmbfbox_ops.compiling import compiled


def softnms(
    boxes: Tensor,
    scores: Tensor,
    dets: Tensor,
    iou_threshold: float,
    sigma: float,
    min_score: float,
    method: int,
    offset: int,
) -> Tensor:
    """Indices of the boxes that remain, in the order in which they are chosen.

    Args:
        boxes: ``(N, 4)`` float32 on the CPU, xyxy in pixels.
        scores: ``(N,)`` float32.
        dets: ``(N, 5)`` float32, filled in its first rows with the remaining boxes and their new scores.
        iou_threshold: least IoU that costs score, for methods 0 and 1.
        sigma: width of the Gaussian of method 2.
        min_score: a box whose score falls below is dropped.
        method: the factor of an overlapped score: 0, zero; 1, ``1 - IoU``; 2, ``exp(-IoU^2 / sigma)``.
        offset: a box is ``x2 - x1 + offset`` wide, 0 or 1.

    Raises:
        RuntimeError: the boxes or scores are not float32, as in the compiled operator.
    """
    if boxes.numel() == 0:
        return boxes.new_empty(0, dtype=torch.long)
    for tensor in (boxes, scores):
        check_float32(tensor, 'softnms')
    numbers = [np.float32(number) for number in (iou_threshold, sigma, min_score, offset)]
    columns = torch.cat([boxes.detach().T, scores.detach()[None]]).contiguous().numpy()
    indices = _decay(columns, dets.detach().numpy(), method, *numbers)
    return torch.from_numpy(indices)


@compiled
def _decay(
    columns: Any, dets: Any, method: int, threshold: Any, sigma: Any, min_score: Any, offset: Any
) -> Any:
    """Fill ``dets``; ``columns`` holds edges and scores and is used up."""
    x1, y1, x2, y2, scores = columns
    areas = (x2 - x1 + offset) * (y2 - y1 + offset)
    zero, one = np.float32(0), np.float32(1)
    number = len(x1)
    indices = np.arange(number)
    i = 0
    while i < number:
        best = i
        for j in range(i + 1, number):
            if scores[best] < scores[j]:
                best = j
        for values in columns:
            values[i], values[best] = values[best], values[i]
        areas[i], areas[best] = areas[best], areas[i]
        indices[i], indices[best] = indices[best], indices[i]
        dets[i] = columns[:, i]
        j = i + 1
        while j < number:
            w = (x2[j] if x2[j] < x2[i] else x2[i]) - (x1[j] if x1[i] < x1[j] else x1[i]) + offset
            h = (y2[j] if y2[j] < y2[i] else y2[i]) - (y1[j] if y1[i] < y1[j] else y1[i]) + offset
            shared = (w if zero < w else zero) * (h if zero < h else zero)
            iou = shared / (areas[i] + areas[j] - shared)
            if method == 2:
                scores[j] *= np.exp(-(iou * iou) / sigma)
            elif iou >= threshold:
                scores[j] *= one - iou if method == 1 else zero
            if scores[j] < min_score:
                # The last one takes its place.
                number -= 1
                columns[:, j] = columns[:, number]
                areas[j] = areas[number]
                indices[j] = indices[number]
            else:
                j += 1
        i += 1
    return indices[:number]
