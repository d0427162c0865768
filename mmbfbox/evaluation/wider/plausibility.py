"""Predictions that hit hardly any face: is it the detector, or how its boxes were written?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

import numpy as np
from numpy.typing import NDArray

from mmbfbox.evaluation.overlap import best_overlap
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth

Floats = NDArray[np.float64]
Read = Callable[[Floats], Floats]

SUSPICIOUS = 0.2
"""If fewer of the faces are hit, other readings of the boxes are tried."""
CONVINCING = 3
"""A reading that hits so many times more faces is named as the cause."""
HOPELESS = 0.01
"""If fewer of the faces are hit and no other reading helps, that is said."""
IMAGES = 200
"""So many images are enough to tell."""


def likely_mistake(predictions: Mapping[str, Floats], ground_truth: WiderGroundTruth) -> str | None:
    """Why predictions hit nearly nothing, in a sentence; None if they hit faces.

    Args:
        predictions: ``{image: (N, 5)}``, read as xywh pixels and score.
        ground_truth: the faces.
    """
    samples = [
        (predictions[name], boxes)
        for name, boxes in zip(ground_truth.names, ground_truth.boxes, strict=True)
        if len(boxes) and len(predictions.get(name, ()))
    ][:IMAGES]
    if not samples:
        return None
    faces = sum(len(boxes) for _, boxes in samples)
    hit = _hit_faces(samples, lambda rows: rows) / faces
    if hit >= SUSPICIOUS:
        return None
    rows = np.concatenate([rows for rows, _ in samples])
    told = f'only {100 * hit:.1f} % of the faces overlap a box by half'
    if np.abs(rows).max() <= 2:
        return (
            f'{told}: the boxes look as if given in parts of the image, 0 to 1; pixels are expected'
        )
    best, cause = hit, ''
    for (order, reorder), (shape, reshape) in product(_ORDERS.items(), _SHAPES.items()):
        share = _hit_faces(samples, lambda rows: reshape(reorder(rows))) / faces  # noqa: B023
        if share > best:
            best, cause = share, ' and '.join(part for part in (order, shape) if part)
    if cause and best >= max(CONVINCING * hit, SUSPICIOUS / 2):
        return (
            f'{told}, and {100 * best:.1f} % would if the lines are read with {cause}; '
            f'"left top width height score" is expected'
        )
    if hit < HOPELESS:
        return (
            f'{told}; boxes are expected in pixels of the original image, as "left top width height '
            f'score"'
        )
    return None


def _hit_faces(samples: list[tuple[Floats, Floats]], read: Read) -> int:
    """How many faces some box of their image overlaps by half."""
    total = 0
    for rows, boxes in samples:
        hit = best_overlap(np.ascontiguousarray(read(rows)[:, :4]), boxes, 0.5)
        total += len(np.unique(hit[hit >= 0]))
    return total


def _from_corners(rows: Floats) -> Floats:
    return np.hstack((rows[:, :2], rows[:, 2:4] - rows[:, :2], rows[:, 4:]))


def _from_centres(rows: Floats) -> Floats:
    return np.hstack((rows[:, :2] - rows[:, 2:4] / 2, rows[:, 2:]))


_ORDERS: dict[str, Read] = {
    '': lambda rows: rows,
    'the score first': lambda rows: np.roll(rows, -1, axis=1),
}
_SHAPES: dict[str, Read] = {
    '': lambda rows: rows,
    'the right and lower edge in the place of width and height': _from_corners,
    'the centre in the place of the left upper corner': _from_centres,
}
