"""Where WIDER FACE errors come from: by event, by face height, by image."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.protocol import WiderCurve, WiderMatches, wider_curve

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]
HEIGHTS = (0, 10, 20, 40, 80, float('inf'))


def by_event(matches: WiderMatches, ground_truth: WiderGroundTruth) -> dict[str, WiderCurve]:
    """The curve of the hard faces of each event alone; scores stay normalised over all images."""
    of_image = [name.partition('/')[0] for name in ground_truth.names]
    events = sorted(set(of_image), key=_event_number)
    number = np.array([events.index(event) for event in of_image])
    of_face = np.repeat(number, [len(boxes) for boxes in ground_truth.boxes])
    of_detection = number[matches.image]
    keep = np.concatenate(ground_truth.keep['hard'])
    return {
        event: wider_curve(_take(matches, of_detection == index), keep & (of_face == index))
        for index, event in enumerate(events)
    }


def _event_number(event: str) -> tuple[int, str]:
    number = event.partition('--')[0]
    return (int(number) if number.isdecimal() else 0, event)


def by_height(matches: WiderMatches, ground_truth: WiderGroundTruth) -> dict[str, WiderCurve]:
    """The curve of the faces of each height in pixels; all other faces are ignored.

    So are detections of another height that hit no face, as in COCO's AP by area. Heights of 10
    pixels and more take the hard faces. The hard subset leaves out what is smaller, so the first
    bin takes all annotated faces below 10 pixels.
    """
    height = np.concatenate([boxes[:, 3] for boxes in ground_truth.boxes])
    keep = np.concatenate(ground_truth.keep['hard']) | (height < HEIGHTS[1])
    curves = {}
    for low, high in pairwise(HEIGHTS):
        name = f'<{high}' if not low else f'>={low}' if np.isinf(high) else f'{low}-{high}'
        used = (matches.face >= 0) | ((matches.height >= low) & (matches.height < high))
        inside = (height >= low) & (height < high)
        curves[name] = wider_curve(_take(matches, used), keep & inside)
    return curves


def _take(matches: WiderMatches, rows: Bools) -> WiderMatches:
    return replace(matches, **{f.name: getattr(matches, f.name)[rows] for f in fields(matches)})


@dataclass(frozen=True)
class ImageErrors:
    """Errors of one image at a score threshold.

    Attributes:
        image: index in the ground truth.
        missed: ``(M,)`` indices of the counted faces that were not found.
        false: ``(F,)`` rows of the false positives in the image's predictions.
        found: ``(T,)`` rows of the true positives.
    """

    image: int
    missed: Ints
    false: Ints
    found: Ints

    @property
    def count(self) -> int:
        """Misses and false positives together."""
        return len(self.missed) + len(self.false)


def worst_images(
    matches: WiderMatches, ground_truth: WiderGroundTruth, number: int, score: float = 0.5
) -> list[ImageErrors]:
    """The images with the most misses and false positives on the hard faces, worst first.

    Args:
        matches: what the detections hit.
        ground_truth: the faces.
        number: how many images; fewer if fewer have an error.
        score: least normalised score of the detections that are used.
    """
    sizes = [len(boxes) for boxes in ground_truth.boxes]
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    # Best first within each image, so that the first row of a face is its true positive.
    used = _take(matches, matches.score >= score)
    used = _take(used, np.lexsort((-used.score, used.image)))
    bounds = np.searchsorted(used.image, np.arange(len(sizes) + 1))
    errors = []
    for image, (begin, end) in enumerate(pairwise(bounds.tolist())):
        keep = ground_truth.keep['hard'][image]
        face, source = used.face[begin:end] - offsets[image], used.source[begin:end]
        hit = used.face[begin:end] >= 0
        counted = np.flatnonzero(hit & keep[np.where(hit, face, 0)]) if len(keep) else face[:0]
        first = counted[np.unique(face[counted], return_index=True)[1]]
        repeated = np.setdiff1d(counted, first)
        missed = np.setdiff1d(np.flatnonzero(keep), face[first])
        false = source[np.sort(np.concatenate((np.flatnonzero(~hit), repeated)))]
        errors.append(ImageErrors(image, missed, false, source[first]))
    worst = sorted(errors, key=lambda error: -error.count)
    return [error for error in worst[:number] if error.count]
