"""From the outputs of the layout ``levels`` to boxes, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
CANDIDATES = 5000
"""Most boxes of a level that compete, the ``nms_pre`` of our configs."""


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
    rest = np.argsort(-scores, kind='stable')
    x1, y1, x2, y2 = boxes[rest].T
    areas = (x2 - x1) * (y2 - y1)
    kept: list[Any] = []
    while len(rest) and len(kept) < limit:
        kept.append(rest[0])
        width = np.minimum(x2, x2[0]) - np.maximum(x1, x1[0])
        height = np.minimum(y2, y2[0]) - np.maximum(y1, y1[0])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        # Multiplied out, because boxes may have no area.
        apart = shared <= np.float32(iou) * (areas + areas[0] - shared)
        apart[0] = False
        rest, areas = rest[apart], areas[apart]
        x1, y1, x2, y2 = x1[apart], y1[apart], x2[apart], y2[apart]
    return np.array(kept, np.intp)
