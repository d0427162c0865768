"""The WIDER FACE protocol: AP on the easy, medium and hard faces, in one pass over the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.evaluation.overlap import best_overlap
from mmbfbox.evaluation.wider.ground_truth import SUBSETS, WiderGroundTruth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

__all__ = [
    'SUBSETS',
    'THRESHOLDS',
    'WiderCurve',
    'WiderGroundTruth',
    'WiderMatches',
    'WiderResult',
    'average_precision',
    'evaluate_wider_face',
    'match_wider_face',
    'wider_curve',
    'wider_result',
]

THRESHOLDS = 1 - np.arange(1, 1001) / 1000


@dataclass(frozen=True)
class WiderCurve:
    """Precision and recall at the 1000 score thresholds 0.999, 0.998, ..., 0.

    Attributes:
        ap: area under the precision envelope (VOC all-point AP), a fraction; nan without faces.
        faces: number of faces that count.
        proposals: ``(1000,)`` detections at or above the threshold that are not ignored.
        recalled: ``(1000,)`` faces found by them.
    """

    ap: float
    faces: int
    proposals: Ints
    recalled: Ints

    @property
    def precision(self) -> Floats:
        """``(1000,)``, 0 where nothing was proposed."""
        precision: Floats = self.recalled / np.maximum(self.proposals, 1)
        return precision

    @property
    def recall(self) -> Floats:
        """``(1000,)``, 0 without faces."""
        return self.recalled / max(self.faces, 1)

    @property
    def misses(self) -> int:
        """Faces that no detection found."""
        return self.faces - int(self.recalled[-1])

    @property
    def false_positives(self) -> int:
        """Detections, of any score, that found no face and are not ignored."""
        return int(self.proposals[-1] - self.recalled[-1])


@dataclass(frozen=True)
class WiderResult:
    """The curves of the three subsets."""

    easy: WiderCurve
    medium: WiderCurve
    hard: WiderCurve

    @property
    def ap(self) -> dict[str, float]:
        """AP of each subset as a fraction."""
        return {subset: getattr(self, subset).ap for subset in SUBSETS}


@dataclass(frozen=True)
class WiderMatches:
    """What every detection hit: all that the protocol needs to know about the boxes.

    Attributes:
        image: ``(D,)`` index of the detection's image in the ground truth.
        threshold: ``(D,)`` index of the first of the 1000 thresholds that the score reaches.
        face: ``(D,)`` index of the face it hit among all faces of all images, or -1.
        score: ``(D,)`` normalised score.
        height: ``(D,)`` of the detection, pixels.
        source: ``(D,)`` row of the detection in its image's predictions.
    """

    image: Ints
    threshold: Ints
    face: Ints
    score: Floats
    height: Floats
    source: Ints


def average_precision(recall: Floats, precision: Floats) -> float:
    """Area under the monotone envelope of a curve of rising recall (VOC 2010, all points)."""
    recall = np.concatenate(([0.0], recall, [1.0]))
    envelope = np.maximum.accumulate(np.concatenate((precision, [0.0]))[::-1])[::-1]
    return float(np.sum(np.diff(recall) * envelope))


def match_wider_face(
    predictions: Mapping[str, Floats],
    ground_truth: WiderGroundTruth,
    iou_threshold: float = 0.5,
    integer: bool = False,
) -> WiderMatches:
    """Normalise the scores and find the face that each detection hits.

    Scores are mapped to [0, 1] by the least and the greatest score of *all* predictions, also of
    images that are not in the ground truth. If all scores are equal they become 1.
    A detection hits the face (counted or not) that it overlaps most, if the IoU reaches the
    threshold; widths and heights are one pixel longer than w and h, as in the official program.

    Args:
        predictions: ``{image: (N, 5) xywh + score}`` in any order; an image may be missing.
        ground_truth: the images to evaluate.
        iou_threshold: least IoU of a hit.
        integer: round like the official MATLAB program, whose faces are int32 arrays: corners
            and IoU become whole numbers, and a detection hits the *first* face with IoU >= 0.5.

    Raises:
        UserError: a prediction has the wrong shape, or a score or box is not finite.
    """
    for name, rows in predictions.items():
        if rows.ndim != 2 or rows.shape[1] != 5 or not np.isfinite(rows).all():
            raise UserError(f'{name}: the predictions must be finite numbers of shape (N, 5)')
    filled = [rows[:, 4] for rows in predictions.values() if len(rows)]
    low = min((scores.min() for scores in filled), default=0.0)
    high = max((scores.max() for scores in filled), default=0.0)
    if not np.isfinite(float(high) - float(low)):
        raise UserError(f'scores from {low:g} to {high:g} cannot be normalised; rescale them')

    images, scores, heights, faces, sources = [], [], [], [], []
    offset = 0
    for index, (name, boxes) in enumerate(zip(ground_truth.names, ground_truth.boxes, strict=True)):
        found = predictions.get(name)
        # The official program skips an image without faces: what was found there costs nothing.
        if found is not None and len(found) and len(boxes):
            face = best_overlap(found[:, :4], boxes, iou_threshold, integer)
            images.append(np.full(len(found), index))
            scores.append(found[:, 4])
            heights.append(found[:, 3])
            faces.append(np.where(face < 0, -1, face + offset))
            sources.append(np.arange(len(found)))
        offset += len(boxes)
    empty = [np.zeros(0, dtype=np.int64)]
    score = np.concatenate(scores or [np.zeros(0)])
    score = (score - low) / (high - low) if high > low else np.ones_like(score)
    reached = np.searchsorted(THRESHOLDS[::-1], score, side='right')
    return WiderMatches(
        image=np.concatenate(images or empty),
        threshold=len(THRESHOLDS) - reached,
        face=np.concatenate(faces or empty),
        score=score,
        height=np.concatenate(heights or [np.zeros(0)]),
        source=np.concatenate(sources or empty),
    )


def wider_curve(matches: WiderMatches, keep: Bools) -> WiderCurve:
    """The curve when only the faces of ``keep`` count.

    A detection that hits a face outside ``keep`` is ignored. The best detection on a counted face
    recalls it, every other one is a false positive.

    Args:
        matches: what :func:`match_wider_face` found.
        keep: mask over all faces of all images.
    """
    size = len(THRESHOLDS)
    hit = matches.face >= 0
    counted = hit & keep[matches.face] if len(keep) else hit
    proposals = np.bincount(matches.threshold[counted | ~hit], minlength=size).cumsum()
    first = np.full(len(keep), size, dtype=np.int64)
    np.minimum.at(first, matches.face[counted], matches.threshold[counted])
    recalled = np.bincount(first, minlength=size)[:size].cumsum()
    faces = int(keep.sum())
    curve = WiderCurve(float('nan'), faces, proposals, recalled)
    if not faces:
        return curve
    ap = average_precision(curve.recall, curve.precision)
    return WiderCurve(ap, faces, proposals, recalled)


def wider_result(matches: WiderMatches, ground_truth: WiderGroundTruth) -> WiderResult:
    """The curves of the three subsets from the same matches."""
    empty = np.zeros(0, dtype=bool)
    return WiderResult(
        **{
            subset: wider_curve(matches, np.concatenate([empty, *ground_truth.keep[subset]]))
            for subset in SUBSETS
        }
    )


def evaluate_wider_face(
    predictions: Mapping[str, Floats],
    ground_truth: WiderGroundTruth,
    iou_threshold: float = 0.5,
    integer: bool = False,
) -> WiderResult:
    """Evaluate by the protocol of the WIDER FACE organisers.

    Args and errors are those of :func:`match_wider_face`. The order of the images and of the
    detections within an image has no effect on the result.
    """
    matches = match_wider_face(predictions, ground_truth, iou_threshold, integer)
    return wider_result(matches, ground_truth)
