"""Intersection over union of pixel boxes, as the face benchmarks define it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
CHUNK = 1 << 16
"""IoUs kept at once: few enough to stay in the cache of a core."""

TINY = float(np.finfo(np.float64).tiny)
"""Least union: boxes with w or h <= 0 may have no area at all."""


def round_half_away(values: Floats) -> Floats:
    """Nearest whole number, halves away from zero, as MATLAB converts to an integer class."""
    rounded: Floats = np.copysign(np.floor(np.abs(values) + 0.5), values)
    return rounded


def iou_matrix(first: Floats, second: Floats, integer: bool = False) -> Floats:
    """IoU of every box with every box, both ends of a side inclusive (``x2 - x1 + 1`` pixels).

    Args:
        first: ``(N, 4)`` xyxy pixels.
        second: ``(M, 4)`` xyxy pixels.
        integer: round every result as MATLAB does when ``second`` is an int32 array.

    Returns:
        ``(N, M)``; 0 where the boxes have no pixel in common.
    """
    x1, y1, x2, y2 = (round_half_away(first) if integer else first).T[:, :, None]
    u1, v1, u2, v2 = second.T[:, None, :]
    inter = np.minimum(x2, u2)
    inter -= np.maximum(x1, u1)
    inter += 1
    height = np.minimum(y2, v2)
    height -= np.maximum(y1, v1)
    height += 1
    np.maximum(inter, 0, out=inter)
    np.maximum(height, 0, out=height)
    with np.errstate(over='ignore'):
        inter *= height
    sides = first[:, 2:] - first[:, :2] + 1
    # Absurdly large boxes overflow.
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        union = (sides[:, 0] * sides[:, 1])[:, None] + (u2 - u1 + 1) * (v2 - v1 + 1)
        if integer:
            union = round_half_away(union)
        union -= inter
        inter /= np.maximum(union, TINY, out=union)
    return round_half_away(inter) if integer else inter


def best_overlap(
    detections: Floats, faces: Floats, iou_threshold: float, integer: bool = False
) -> Ints:
    """Index of the face that each detection overlaps most, or -1 if below the threshold.

    Args:
        detections: ``(N, 4)`` xywh pixels.
        faces: ``(G, 4)`` xywh pixels, G > 0. Among equal overlaps the first face wins.
        iou_threshold: least IoU.
        integer: see :func:`iou_matrix`.
    """
    first = np.hstack((detections[:, :2], detections[:, :2] + detections[:, 2:]))
    second = np.hstack((faces[:, :2], faces[:, :2] + faces[:, 2:]))
    best: Ints = np.empty(len(first), dtype=np.int64)
    if not integer:
        _best_overlap(first, second, iou_threshold, best)
        return best
    step = max(1, CHUNK // len(second))
    for start in range(0, len(first), step):
        iou = iou_matrix(first[start : start + step], second, integer)
        reached = iou.max(axis=1) >= iou_threshold
        best[start : start + step] = np.where(reached, iou.argmax(axis=1), -1)
    return best


@njit(cache=True, nogil=True, error_model='numpy')
def _best_overlap(first: Any, second: Any, iou_threshold: float, best: Any) -> None:
    """Fill ``best`` from corners, with the arithmetic of :func:`iou_matrix`, which is not kept."""
    areas = (second[:, 2] - second[:, 0] + 1) * (second[:, 3] - second[:, 1] + 1)
    for i in range(len(first)):
        x1, y1, x2, y2 = first[i]
        area = (x2 - x1 + 1) * (y2 - y1 + 1)
        # Below any overlap, so that the first of equal ones wins.
        highest = -1.0
        best[i] = -1
        for k in range(len(second)):
            u1, v1, u2, v2 = second[k]
            width = (u2 if u2 < x2 else x2) - (u1 if u1 > x1 else x1) + 1
            height = (v2 if v2 < y2 else y2) - (v1 if v1 > y1 else y1) + 1
            shared = (width if width > 0 else 0.0) * (height if height > 0 else 0.0)
            iou = shared / max(area + areas[k] - shared, TINY)
            if iou > highest:
                highest = iou
                best[i] = k if iou >= iou_threshold else -1
