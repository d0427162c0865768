"""The FDDB protocol: pixel overlap of ellipses, optimal assignment at every score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from mmbfbox.errors import UserError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.uint8]
FAR = 1 << 20
"""Outside of any image; larger numbers overflow OpenCV's fixed point."""


@dataclass(frozen=True)
class FddbCurve:
    """Both ROC curves, one point for each distinct score, highest score first.

    Attributes:
        faces: number of annotated faces.
        score: ``(P,)`` least score of the detections that the point counts.
        discrete: ``(P,)`` detections matched with an overlap above one half.
        continuous: ``(P,)`` sum of the overlaps of all matched detections.
        false_positives: ``(P,)`` detections minus ``discrete``; both curves share it.
    """

    faces: int
    score: Floats
    discrete: Ints
    continuous: Floats
    false_positives: Ints

    def discrete_tpr(self, false_positives: int) -> float:
        """Share of the faces found, at the last point with at most this many false positives."""
        return self._last(self.discrete, false_positives)

    def continuous_tpr(self, false_positives: int) -> float:
        """Mean overlap per face, at the last point with at most this many false positives."""
        return self._last(self.continuous, false_positives)

    def _last(self, values: Floats | Ints, false_positives: int) -> float:
        rows = np.flatnonzero(self.false_positives <= false_positives)
        return float(values[rows[-1]] / self.faces) if len(rows) and self.faces else 0.0


def draw_region(mask: Mask, region: Floats) -> tuple[slice, slice]:
    """Fill a region with ones, as OpenCV draws it, cut off at the border of the mask.

    Args:
        mask: ``(H, W)``, changed in place.
        region: ``(4,)`` rectangle xywh pixels, drawn from (x, y) to (x + w, y + h) inclusive, or
            ``(5,)`` ellipse: major and minor radius, angle in radians, centre x, y. Corners and
            centres are rounded, radii truncated, angles rounded to degrees.

    Returns:
        Rows and columns of the mask outside of which it has no pixel.
    """
    if len(region) == 4:
        x, y, w, h = region
        corners = np.array([_pixel(x, y), _pixel(x + w, y + h)])
        low, high = corners.min(axis=0), corners.max(axis=0) + 1
        cv2.rectangle(mask, corners[0].tolist(), corners[1].tolist(), 1, cv2.FILLED)
    else:
        major, minor, radians, x, y = region
        # Written as the official program computes it, so that it rounds to the same degree.
        degrees = 180 - (np.pi - radians) * 180 / np.pi
        axes = (int(min(major, FAR)), int(min(minor, FAR)))
        centre = np.array(_pixel(x, y))
        # One pixel more, because the outline is a polygon whose corners are rounded.
        low, high = centre - max(axes) - 1, centre + max(axes) + 2
        cv2.ellipse(mask, centre.tolist(), axes, degrees, 0, 360, 1, cv2.FILLED)
    (left, top), (right, bottom) = np.maximum(low, 0), np.maximum(high, 0)
    return slice(top, bottom), slice(left, right)


def _pixel(x: float, y: float) -> tuple[int, int]:
    """Nearest pixel, halves to the even one, of a point in single precision."""
    column, row = np.rint(np.clip((x, y), -FAR, FAR).astype(np.float32))
    return int(column), int(row)


def region_overlaps(faces: Floats, detections: Floats, size: tuple[int, int]) -> Floats:
    """``(G, N)`` intersection over union, counted in pixels of the image.

    Args:
        faces: ``(G, 4 or 5)`` regions, see :func:`draw_region`.
        detections: ``(N, 4 or 5)`` regions.
        size: width and height of the image.
    """
    width, height = size
    masks = np.zeros((len(faces), height, width), dtype=np.uint8)
    for mask, region in zip(masks, faces, strict=True):
        draw_region(mask, region)
    areas = np.array([cv2.countNonZero(mask) for mask in masks])
    canvas = np.zeros((height, width), dtype=np.uint8)
    overlaps = np.zeros((len(faces), len(detections)))
    for column, region in enumerate(detections):
        rows, columns = draw_region(canvas, region)
        part = canvas[rows, columns]
        if part.size:
            inter = np.array([cv2.countNonZero(mask & part) for mask in masks[:, rows, columns]])
            overlaps[:, column] = inter / np.maximum(areas + cv2.countNonZero(part) - inter, 1)
            part[:] = 0
    return overlaps


def match_image(overlaps: Floats, scores: Floats) -> tuple[Floats, Ints, Floats]:
    """Match the detections of one image at each of its distinct scores.

    Args:
        overlaps: ``(G, N)`` of each face with each detection.
        scores: ``(N,)``.

    Returns:
        ``(K,)`` distinct scores, highest first; ``(K,)`` detections matched with an overlap above
        one half and ``(K,)`` sum of the matched overlaps, of the detections from this score up,
        matched so that the sum is greatest.
    """
    levels = np.unique(scores)[::-1]
    # Detections apart from every face change no assignment, so only the others are assigned.
    near = overlaps.any(axis=0)
    discrete = np.zeros(len(levels), dtype=np.int64)
    continuous = np.zeros(len(levels))
    taken = 0
    for index, level in enumerate(levels):
        columns = np.flatnonzero(near & (scores >= level))
        if len(columns) > taken:
            taken = len(columns)
            part = overlaps[:, columns]
            matched = part[linear_sum_assignment(part, maximize=True)]
            discrete[index] = np.count_nonzero(matched > 0.5)
            continuous[index] = matched.sum()
        elif index:
            discrete[index], continuous[index] = discrete[index - 1], continuous[index - 1]
    return levels, discrete, continuous


def evaluate_fddb(
    detections: Mapping[str, Floats],
    faces: Mapping[str, Floats],
    sizes: Mapping[str, tuple[int, int]],
) -> FddbCurve:
    """Evaluate by the official FDDB program's rules, all folds as one set.

    Args:
        detections: ``{image: (N, 5) xywh + score}`` rectangles in pixels or ``(N, 6)`` ellipses
            (major and minor radius, angle, centre x, y, score); an image may be missing.
        faces: ``{image: (G, 5)}`` ellipses: major and minor radius, angle, centre x, y.
        sizes: ``{image: (width, height)}`` in pixels.

    Raises:
        UserError: an image has no size, or detections are not finite or of another shape.
    """
    changes = []
    for name, ellipses in faces.items():
        rows = detections.get(name)
        if rows is None or not len(rows):
            continue
        if name not in sizes:
            raise UserError(f'{name}: its width and height are unknown; add it to the size list')
        if rows.ndim != 2 or rows.shape[1] not in (5, 6) or not np.isfinite(rows).all():
            raise UserError(f'{name}: finite numbers of shape (N, 5) or (N, 6) are expected')
        overlaps = region_overlaps(ellipses, rows[:, :-1], sizes[name])
        levels, discrete, continuous = match_image(overlaps, rows[:, -1])
        found = np.array([(rows[:, -1] >= level).sum() for level in levels])
        points = np.stack((discrete, continuous, found - discrete), axis=1)
        changes.append(np.column_stack((levels, np.diff(points, axis=0, prepend=0))))

    steps = np.concatenate(changes or [np.zeros((0, 4))])
    steps = steps[np.argsort(-steps[:, 0], kind='stable')]
    sums = np.cumsum(steps[:, 1:], axis=0)
    last = np.flatnonzero(np.diff(steps[:, 0], append=-np.inf))
    return FddbCurve(
        faces=sum(len(ellipses) for ellipses in faces.values()),
        score=steps[last, 0],
        discrete=sums[last, 0].astype(np.int64),
        continuous=sums[last, 1],
        false_positives=sums[last, 2].astype(np.int64),
    )
