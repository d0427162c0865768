"""How much WIDER FACE AP depends on which images happen to be there: halves and the bootstrap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbfbox.evaluation.wider.ground_truth import SUBSETS, WiderGroundTruth
from mmbfbox.evaluation.wider.protocol import (
    THRESHOLDS,
    WiderMatches,
    average_precision,
    match_wider_face,
)

Floats = NDArray[np.float64]

MEAN = 'mean'
EVEN, ODD, ERROR = '_even', '_odd', '_error'
"""Endings of the names of AP on either half of the images, and of the standard error of AP."""


@dataclass(frozen=True)
class ImageCounts:
    """What each image adds to the curve of a subset; all it takes to weigh images anew.

    Attributes:
        proposals: ``(I, 1000)`` detections of each image that first count at each threshold.
        recalled: ``(I, 1000)`` faces of each image that are first found at each threshold.
        faces: ``(I,)`` faces that count.
    """

    proposals: Floats
    recalled: Floats
    faces: Floats

    @classmethod
    def of(cls, matches: WiderMatches, ground_truth: WiderGroundTruth, subset: str) -> ImageCounts:
        """From what every detection hit, see :func:`match_wider_face`."""
        images, size = len(ground_truth.names), len(THRESHOLDS)
        keep = np.concatenate([np.zeros(0, dtype=bool), *ground_truth.keep[subset]])
        owner = np.repeat(np.arange(images), [len(boxes) for boxes in ground_truth.boxes])
        hit = matches.face >= 0
        counted = hit & keep[matches.face] if len(keep) else hit
        proposed = counted | ~hit
        first = np.full(len(keep), size, dtype=np.int64)
        np.minimum.at(first, matches.face[counted], matches.threshold[counted])
        found = first < size
        proposals, recalled = np.zeros((2, images, size))
        np.add.at(proposals, (matches.image[proposed], matches.threshold[proposed]), 1)
        np.add.at(recalled, (owner[found], first[found]), 1)
        return cls(proposals, recalled, np.bincount(owner[keep], minlength=images).astype(float))

    def ap(self, weights: Floats) -> Floats:
        """AP with images counted several times or not at all.

        Args:
            weights: ``(B, I)`` how often each image counts.

        Returns:
            ``(B,)``, nan where no face counts.
        """
        proposals = (weights @ self.proposals).cumsum(1)
        recalled = (weights @ self.recalled).cumsum(1)
        faces = weights @ self.faces
        precision = recalled / np.maximum(proposals, 1)
        return np.array([
            average_precision(found / count, curve) if count else np.nan
            for found, count, curve in zip(recalled, faces, precision, strict=True)
        ])  # fmt: skip


def ap_with_noise(
    predictions: Mapping[str, Floats],
    ground_truth: WiderGroundTruth,
    resamples: int,
    integer: bool = False,
) -> dict[str, float]:
    """AP of the subsets and its noise, as fractions.

    Images are resampled the same way for all detectors of a list of images. Every second image, in the
    order of their names, is the one half: images of an event stand together, so both have all events.
    Scores are normalised over all images, whichever are weighed.

    Args:
        predictions: see :func:`match_wider_face`.
        ground_truth: likewise.
        resamples: of the bootstrap.
        integer: likewise.

    Returns:
        ``easy``, ``medium``, ``hard`` and their ``mean``; each also with ``_even`` and ``_odd``, AP on the
        halves, and with ``_error``, the standard error of AP by the bootstrap over images.
    """
    matches = match_wider_face(predictions, ground_truth, integer=integer)
    images = len(ground_truth.names)
    order = np.argsort(np.argsort(np.array(ground_truth.names)))
    even = (order % 2 == 0).astype(float)
    drawn = np.random.default_rng(0).multinomial(images, np.full(images, 1 / images), resamples)
    # By rank of the name, so that the order in which images come does not matter.
    weights = np.vstack([np.ones(images), even, 1 - even, drawn[:, order]])
    of_subsets = {
        subset: ImageCounts.of(matches, ground_truth, subset).ap(weights) for subset in SUBSETS
    }
    of_subsets[MEAN] = np.mean(list(of_subsets.values()), axis=0)
    found: dict[str, float] = {}
    for name, values in of_subsets.items():
        ends = ('', EVEN, ODD)
        found |= {name + end: float(value) for end, value in zip(ends, values, strict=False)}
        known = values[3:][np.isfinite(values[3:])]
        found[name + ERROR] = float(np.std(known, ddof=1)) if len(known) > 1 else float('nan')
    return found
