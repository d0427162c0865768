"""Non-maximum suppression of a batch on the CPU, without comparing every box with every other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

CELLS = 12
"""Cells a side of the grid that boxes are looked up in."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
Levels = NDArray[np.int8]


def suppress(
    boxes: Floats,
    scores: Floats,
    levels: Levels,
    threshold: float,
    most: int,
    most_a_level: int,
    least_side: float = 0.0,
) -> tuple[list[Ints], list[bool]]:
    """The boxes of each image that none of those kept before them overlaps by more than ``threshold``.

    A box is compared only with the kept ones in its own cells of a grid: two boxes that overlap have a
    cell in common. The arithmetic is that of ``mmcv.ops.nms`` in float32.

    Args:
        boxes: ``(N, K, 4)`` xyxy of N images, the best first.
        scores: ``(N, K)``, falling; what is below 0 does not count.
        levels: ``(N, K)``, the pyramid level of each box, from 0.
        threshold: greatest IoU of a box with a better one that is kept.
        most: stop at so many of an image.
        most_a_level: take part only so many of each level, the best.
        least_side: boxes with a width or height up to this do not count, once chosen.

    Returns:
        The indices of the kept boxes of each image, in order, and for each image whether the result
        depends on the order of boxes with the very same score.
    """
    rows = np.empty((len(boxes), min(most, boxes.shape[1])), np.int64)
    counts, ties = _suppress_batch(
        boxes, scores, levels, np.float32(threshold), most_a_level, np.float32(least_side), rows
    )
    return [row[:count] for row, count in zip(rows, counts, strict=True)], ties.tolist()


@njit(cache=True, nogil=True, error_model='numpy')
def _suppress_batch(
    boxes: Any,
    scores: Any,
    levels: Any,
    threshold: Any,
    most_a_level: int,
    least_side: Any,
    kept: Any,
) -> Any:
    counts = np.zeros(len(boxes), np.int64)
    ties = np.zeros(len(boxes), np.bool_)
    # Kept boxes of each cell, as linked lists: a box, and the entry before it.
    entries = np.empty((kept.shape[1] * CELLS * CELLS, 2), np.int32)
    for image in range(len(boxes)):
        chosen, tie = _choose(boxes[image], scores[image], levels[image], most_a_level, least_side)
        counts[image], ties[image] = _suppress(
            boxes[image], scores[image], chosen, threshold, entries, kept[image]
        )
        ties[image] |= tie
    return counts, ties


@njit(cache=True, nogil=True, error_model='numpy')
def _choose(boxes: Any, scores: Any, levels: Any, most_a_level: int, least_side: Any) -> Any:
    """The boxes that take part, and whether a tie decides about one."""
    chosen = np.empty(len(boxes), np.int64)
    number = 0
    tie = False
    taken = np.zeros(64, np.int64)
    last = np.zeros(64, np.float32)
    for i in range(len(boxes)):
        if scores[i] < 0:
            break
        level = levels[i]
        if taken[level] == most_a_level:
            tie |= scores[i] == last[level]
            continue
        taken[level] += 1
        last[level] = scores[i]
        if boxes[i, 2] - boxes[i, 0] > least_side and boxes[i, 3] - boxes[i, 1] > least_side:
            chosen[number] = i
            number += 1
    return chosen[:number], tie


@njit(cache=True, nogil=True, error_model='numpy')
def _suppress(boxes: Any, scores: Any, chosen: Any, threshold: Any, entries: Any, kept: Any) -> Any:
    """Fill ``kept``; return how many they are, and whether a tie decides about one."""
    count, tie = 0, False
    if len(chosen) == 0 or len(kept) == 0:
        return count, tie
    # The grid spans all boxes.
    left = top = np.float32(np.inf)
    right = bottom = np.float32(-np.inf)
    for i in chosen:
        left, top = min(left, boxes[i, 0]), min(top, boxes[i, 1])
        right, bottom = max(right, boxes[i, 2]), max(bottom, boxes[i, 3])
    across = np.float32(CELLS) / max(right - left, np.float32(1e-6))
    down = np.float32(CELLS) / max(bottom - top, np.float32(1e-6))
    newest = np.full((CELLS, CELLS), -1, np.int32)
    used = 0
    for i in chosen:
        x1, x2 = (boxes[i, 0] - left) * across, (boxes[i, 2] - left) * across
        y1, y2 = (boxes[i, 1] - top) * down, (boxes[i, 3] - top) * down
        # Most boxes that go are covered by a kept one at their centre.
        k = _overlapping(
            boxes,
            i,
            threshold,
            entries,
            newest[min(int((y1 + y2) / 2), CELLS - 1), min(int((x1 + x2) / 2), CELLS - 1)],
        )
        first_column, last_column = min(int(x1), CELLS - 1), min(int(x2), CELLS - 1)
        first_row, last_row = min(int(y1), CELLS - 1), min(int(y2), CELLS - 1)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                if k < 0:
                    k = _overlapping(boxes, i, threshold, entries, newest[row, column])
        if k >= 0:
            tie |= scores[k] == scores[i]
            continue
        if count == len(kept):
            # One more would have been kept, had there been room.
            tie |= scores[i] == scores[kept[count - 1]]
            break
        kept[count] = i
        count += 1
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                entries[used, 0] = i
                entries[used, 1] = newest[row, column]
                newest[row, column] = used
                used += 1
    return count, tie


@njit(cache=True, nogil=True, error_model='numpy')
def _overlapping(boxes: Any, i: int, threshold: Any, entries: Any, entry: int) -> int:
    """A kept box of this list that overlaps box ``i`` too much, or -1."""
    x1, y1, x2, y2 = boxes[i, 0], boxes[i, 1], boxes[i, 2], boxes[i, 3]
    area = (x2 - x1) * (y2 - y1)
    zero = np.float32(0)
    while entry >= 0:
        k = entries[entry, 0]
        u1, v1, u2, v2 = boxes[k, 0], boxes[k, 1], boxes[k, 2], boxes[k, 3]
        # Written out: min() and max() take care of NaN, which costs more than all the rest.
        w = (u2 if u2 < x2 else x2) - (u1 if u1 > x1 else x1)
        h = (v2 if v2 < y2 else y2) - (v1 if v1 > y1 else y1)
        shared = (w if w > zero else zero) * (h if h > zero else zero)
        if shared / ((u2 - u1) * (v2 - v1) + area - shared) > threshold:
            return int(k)
        entry = entries[entry, 1]
    return -1
