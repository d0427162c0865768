"""The face-eval protocol of AFW and PASCAL Face, with its refinement of the boxes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.evaluation.overlap import iou_matrix
from mmbfbox.evaluation.wider.protocol import average_precision

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

MIN_FACE = 30
"""A face narrower or lower than this many pixels is ignored."""
MIN_DETECTION = int(np.sqrt(0.5 * MIN_FACE * MIN_FACE))
"""A detection neither wider nor higher than this many pixels (21) is dropped."""
ROUNDS = 5


@dataclass(frozen=True)
class FaceEvalResult:
    """Precision and recall after each detection, best score first.

    Attributes:
        ap: all-point AP, a fraction; nan without faces.
        ap_without_refinement: the same with the boxes as they were given.
        faces: number of faces that count.
        recall: ``(N,)`` after refinement; ignored detections repeat the point before.
        precision: ``(N,)``.
        score: ``(N,)``.
        refinement: mean shift in x and y (in box sizes) and mean scale of width and height of
            each round but the last, whose result is not used: ``(ROUNDS - 1, 4)``.
    """

    ap: float
    ap_without_refinement: float
    faces: int
    recall: Floats
    precision: Floats
    score: Floats
    refinement: Floats


def is_ignored(faces: Floats, flags: Bools) -> Bools:
    """Mask of the faces that do not count: flagged, or narrower or lower than ``MIN_FACE``.

    Args:
        faces: ``(G, 4)`` xyxy pixels.
        flags: ``(G,)`` ignore flags of the annotation.
    """
    sides = faces[:, 2:] - faces[:, :2]
    return flags | (sides < MIN_FACE).any(axis=1)


def evaluate_face_eval(
    detections: Mapping[str, Floats],
    faces: Mapping[str, Floats],
    flags: Mapping[str, Bools],
) -> FaceEvalResult:
    """Evaluate by the rules of the face-eval toolbox (Mathias et al., ECCV 2014).

    A detection hits the face that it overlaps most if the IoU is above one half. On a face that
    is ignored it does not count; the first one on a face is a true positive, any other a false
    positive. Then the mean offset and scale between true positives and their faces are applied
    to all boxes, to make up for different habits of drawing a face, and everything is repeated;
    the AP is that of the fifth round.

    Args:
        detections: ``{image: (N, 5) xyxy + score}`` in pixels. Equal scores keep their order.
            Those on images without faces are false positives.
        faces: ``{image: (G, 4) xyxy}``.
        flags: ``{image: (G,)}`` True where the annotation says ignore.

    Raises:
        UserError: detections are not finite or of another shape.
    """
    rows_of, box, score = _sorted_detections(detections)
    ignored = {name: is_ignored(rows, flags[name]) for name, rows in faces.items()}
    total = sum(int((~mask).sum()) for mask in ignored.values())
    aps, changes = [], []
    for _ in range(ROUNDS):
        outcome = np.full(len(box), -1)  # 1 true positive, 0 ignored, -1 false positive
        target = np.zeros_like(box)
        for name, rows in rows_of.items():
            if len(faces.get(name, ())):
                outcome[rows], target[rows] = _match(box[rows], faces[name], ignored[name])
        true, false = np.cumsum(outcome == 1), np.cumsum(outcome == -1)
        precision = true / np.maximum(true + false, 1)
        recall = true / max(total, 1)
        aps.append(average_precision(recall, precision) if total else float('nan'))
        change = _mean_change(box[outcome == 1], target[outcome == 1])
        changes.append(change)
        box = _apply_change(box, change)
    return FaceEvalResult(
        ap=aps[-1],
        ap_without_refinement=aps[0],
        faces=total,
        recall=recall,
        precision=precision,
        score=score,
        refinement=np.array(changes[:-1]),
    )


def _sorted_detections(
    detections: Mapping[str, Floats],
) -> tuple[dict[str, Ints], Floats, Floats]:
    """Rows of each image in the list of all large enough detections, their boxes and scores."""
    for name, rows in detections.items():
        if rows.ndim != 2 or rows.shape[1] != 5 or not np.isfinite(rows).all():
            raise UserError(f'{name}: the detections must be finite numbers of shape (N, 5)')
    sizes = [len(rows) for rows in detections.values()]
    image: Ints = np.repeat(np.arange(len(sizes)), sizes)
    every: Floats = np.concatenate([np.zeros((0, 5)), *detections.values()])
    large = (every[:, 2:4] - every[:, :2] > MIN_DETECTION).any(axis=1)
    image, every = image[large], every[large]
    order = np.argsort(-every[:, 4], kind='stable')
    image, every = image[order], every[order]
    rows_of = {name: np.flatnonzero(image == index) for index, name in enumerate(detections)}
    return rows_of, every[:, :4], every[:, 4]


def _match(detections: Floats, faces: Floats, ignored: Bools) -> tuple[Ints, Floats]:
    """Outcome of each detection of an image, best first, and the face that it hit."""
    iou = iou_matrix(detections, faces)
    best = len(faces) - 1 - iou[:, ::-1].argmax(axis=1)  # the last of equal ones
    hit = iou.max(axis=1) > 0.5
    counted = np.flatnonzero(hit & ~ignored[best])
    outcome = np.where(hit, 0, -1)
    outcome[counted] = -1
    outcome[counted[np.unique(best[counted], return_index=True)[1]]] = 1
    return outcome, faces[best]


def _mean_change(boxes: Floats, faces: Floats) -> Floats:
    """Mean shift (in box sizes) and scale from boxes to faces: x, y, width, height."""
    if not len(boxes):
        return np.array([0.0, 0.0, 1.0, 1.0])
    sides = boxes[:, 2:] - boxes[:, :2]
    shift = (faces[:, :2] + faces[:, 2:] - boxes[:, :2] - boxes[:, 2:]) / 2 / sides
    scale = (faces[:, 2:] - faces[:, :2]) / sides
    change: Floats = np.hstack((shift, scale)).mean(axis=0)
    return change


def _apply_change(boxes: Floats, change: Floats) -> Floats:
    """Shift and scale boxes about their centres."""
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    centre = (boxes[:, 2:] + boxes[:, :2]) / 2 + change[:2] * half * 2
    return np.hstack((centre - half * change[2:], centre + half * change[2:]))
