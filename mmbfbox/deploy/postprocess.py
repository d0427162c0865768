"""From the outputs of the layout ``levels`` to boxes, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
CANDIDATES = 5000
"""Most boxes of a level that compete, the ``nms_pre`` of our configs."""
BLOCK = 256
"""Boxes that are compared with each other at once."""


def decode(
    outputs: Mapping[str, Floats], index: int, strides: Sequence[int], score: float
) -> tuple[Floats, Floats]:
    """Boxes above a score.

    Args:
        outputs: ``score_<stride>`` ``(N, A, H, W)`` and ``bbox_<stride>`` ``(N, 4 A, H, W)``, distances to
            left, top, right and bottom from the centre of a cell, in strides.
        index: number of the image in the batch.
        strides: of the levels.
        score: only boxes above it are looked at, so that the rest costs next to nothing.

    Returns:
        ``(K, 4)`` xyxy in pixels of the input, and scores ``(K,)``.
    """
    boxes, scores = [np.zeros((0, 4), np.float32)], [np.zeros(0, np.float32)]
    for stride in strides:
        level = outputs[f'score_{stride}'][index]
        found = np.flatnonzero(level > score)
        values = level.reshape(-1)[found]
        if len(found) > CANDIDATES:
            best = np.argpartition(-values, CANDIDATES)[:CANDIDATES]
            found, values = found[best], values[best]
        anchors, rows, columns = np.unravel_index(found, level.shape)
        sides = outputs[f'bbox_{stride}'][index].reshape(level.shape[0], 4, *level.shape[1:])
        distances = sides[anchors, :, rows, columns]
        centres = np.stack((columns, rows), axis=1).astype(np.float32) + np.float32(0.5)
        corners = np.concatenate((centres - distances[:, :2], centres + distances[:, 2:]), axis=1)
        boxes.append(corners * np.float32(stride))
        scores.append(values)
    return np.concatenate(boxes), np.concatenate(scores)


def suppress(boxes: Floats, scores: Floats, iou: float, limit: int) -> NDArray[np.intp]:
    """Indices of the boxes that no better one overlaps, best first.

    Args:
        boxes: ``(N, 4)`` xyxy; sides are x2 - x1.
        scores: ``(N,)``.
        iou: most IoU with a better box that stays.
        limit: most boxes that stay.
    """
    order = np.argsort(-scores, kind='stable')
    kept = np.zeros(0, np.intp)
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        block = block[~_overlap(boxes[block], boxes[kept], iou).any(axis=1)]
        within = _overlap(boxes[block], boxes[block], iou)
        alive = np.ones(len(block), bool)
        for index in range(len(block)):
            if alive[index]:
                alive[index + 1 :] &= ~within[index, index + 1 :]
        kept = np.concatenate((kept, block[alive]))
        if len(kept) >= limit:
            break
    return kept[:limit]


def _overlap(first: Floats, second: Floats, iou: float) -> NDArray[np.bool_]:
    """Whether the IoU of each box with each is above a threshold, ``(N, M)``."""
    x1, y1, x2, y2 = first.T[:, :, None]
    u1, v1, u2, v2 = second.T[:, None, :]
    width = np.maximum(np.minimum(x2, u2) - np.maximum(x1, u1), 0)
    height = np.maximum(np.minimum(y2, v2) - np.maximum(y1, v1), 0)
    shared = width * height
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - shared
    # Multiplied out, because boxes may have no area.
    overlap: NDArray[np.bool_] = shared > np.float32(iou) * union
    return overlap
