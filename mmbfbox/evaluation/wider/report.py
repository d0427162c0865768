"""Tables, curves and pictures of a WIDER FACE evaluation."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbfbox.evaluation.wider.breakdown import by_event, by_height, worst_images
from mmbfbox.evaluation.wider.contact_sheet import draw_errors, find_image, write_contact_sheet
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.protocol import SUBSETS, THRESHOLDS, WiderMatches, WiderResult
from mmbfbox.utils.images import DamagedImageError

Floats = NDArray[np.float64]
HEADER = ('faces', 'AP', 'misses', 'false_positives')
SCORE = 0.5
"""Misses and false positives are counted at this normalised score."""


def breakdown(
    matches: WiderMatches, ground_truth: WiderGroundTruth
) -> list[tuple[str, str, int, float, int, int]]:
    """Rows of kind ('height' or 'event'), name and the columns of ``HEADER``."""
    index = int(np.flatnonzero(THRESHOLDS <= SCORE)[0])
    return [
        (
            kind,
            name,
            curve.faces,
            curve.ap,
            curve.faces - int(curve.recalled[index]),
            int(curve.proposals[index] - curve.recalled[index]),
        )
        for kind, curves in (
            ('height', by_height(matches, ground_truth)),
            ('event', by_event(matches, ground_truth)),
        )
        for name, curve in curves.items()
    ]


def write_curves(folder: str | Path, results: Mapping[str, WiderResult]) -> None:
    """``wider_{easy,medium,hard}.png`` and ``.csv`` with the curves of all detectors."""
    from mmbfbox.evaluation.plots import plot_precision_recall, write_csv

    for subset in SUBSETS:
        curves = {name: getattr(result, subset) for name, result in results.items()}
        plot_precision_recall(
            Path(folder) / f'wider_{subset}.png',
            f'WIDER FACE, {subset} ({next(iter(curves.values())).faces:,} faces)',
            {
                # Before the first detection there is no precision to draw.
                name: (
                    curve.ap,
                    *(part[curve.proposals > 0] for part in (curve.recall, curve.precision)),
                )
                for name, curve in curves.items()
            },
        )
        write_csv(
            Path(folder) / f'wider_{subset}.csv',
            ('detector', 'threshold', 'precision', 'recall'),
            (
                (name, f'{threshold:.3f}', f'{precision:.6f}', f'{recall:.6f}')
                for name, curve in curves.items()
                for threshold, precision, recall in zip(
                    THRESHOLDS.tolist(),
                    curve.precision.tolist(),
                    curve.recall.tolist(),
                    strict=True,
                )
            ),
        )


def write_worst_images(
    path: str | Path,
    images: str | Path,
    predictions: Mapping[str, Floats],
    matches: WiderMatches,
    ground_truth: WiderGroundTruth,
    number: int = 20,
) -> None:
    """A contact sheet of the images with the most misses and false positives.

    Args:
        path: of the picture.
        images: folder of ``event/name.jpg``; images that are not there are left out.
        predictions: ``{image: (N, 5) xywh + score}``.
        matches: what they hit.
        ground_truth: the faces.
        number: most images on the sheet.

    Warns:
        UserWarning: an image is damaged and left out, or none is there and nothing is written.
    """
    cells = []
    for errors in worst_images(matches, ground_truth, len(ground_truth.names), SCORE):
        name = ground_truth.names[errors.image]
        try:
            image = find_image(Path(images), name)
        except DamagedImageError as error:
            warnings.warn(f'not on the sheet: {error}', UserWarning, stacklevel=2)
            continue
        if image is None:
            continue
        rows = predictions.get(name, np.zeros((0, 5)))[:, :4]
        missed = ground_truth.boxes[errors.image][errors.missed]
        cells.append(draw_errors(image, missed, rows[errors.false], rows[errors.found], name))
        if len(cells) == number:
            break
    if cells:
        write_contact_sheet(path, cells)
    else:
        warnings.warn(f'{images} holds no image with errors; no {path}', UserWarning, stacklevel=2)
