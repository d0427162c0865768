"""Evaluating files of predictions: what ``tools/evaluate.py`` does with each benchmark."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbfbox.evaluation.face_eval import io as face_eval_io
from mmbfbox.evaluation.face_eval.protocol import evaluate_face_eval
from mmbfbox.evaluation.fddb import io as fddb_io
from mmbfbox.evaluation.fddb.protocol import evaluate_fddb
from mmbfbox.evaluation.image_names import check_image_names
from mmbfbox.evaluation.wider import report as wider_report
from mmbfbox.evaluation.wider.io import read_wider_predictions
from mmbfbox.evaluation.wider.plausibility import likely_mistake
from mmbfbox.evaluation.wider.protocol import (
    WiderGroundTruth,
    WiderMatches,
    WiderResult,
    match_wider_face,
    wider_result,
)

Detectors = Mapping[str, Path]
"""Name and predictions of each detector, the main one first."""


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        results: for each detector its rates by name, fractions and counts of faces.
        breakdown: where the errors of the first detector are, a header and rows; empty for benchmarks
            that have none.
    """

    results: dict[str, dict[str, float]]
    breakdown: list[Sequence[object]] = field(default_factory=list)


def evaluate_wider_files(
    detectors: Detectors,
    ground_truth: str | Path,
    out: str | Path | None = None,
    images: str | Path | None = None,
    integer: bool = False,
) -> Evaluation:
    """WIDER FACE: AP of the three subsets; errors of the first detector by height and event.

    Args:
        detectors: folders of ``EVENT/IMAGE.txt``.
        ground_truth: folder of the official mats, or the one that holds it as ``ground_truth``.
        out: folder for curves and tables; None writes nothing.
        images: folder of ``EVENT/IMAGE.jpg``; with ``out``, the images with the most errors are drawn.
        integer: the integer arithmetic of the MATLAB program.

    Raises:
        UserError: a file cannot be read or is laid out in another way.

    Warns:
        UserWarning: about other images than expected, odd lines, and boxes that hit hardly any face.
    """
    folder = Path(ground_truth)
    nested = folder / 'ground_truth'
    truth = WiderGroundTruth.from_mats(nested if nested.is_dir() else folder)
    results: dict[str, WiderResult] = {}
    table: list[Sequence[object]] = []
    for name, path in detectors.items():
        predictions = read_wider_predictions(path)
        check_image_names(predictions, truth.names, path)
        mistake = likely_mistake(predictions, truth)
        if mistake:
            warnings.warn(f'{path}: {mistake}', UserWarning, stacklevel=2)
        matches = match_wider_face(predictions, truth, integer=integer)
        if not results:
            table = _breakdown(predictions, matches, truth, out, images)
        results[name] = wider_result(matches, truth)
    if out is not None:
        wider_report.write_curves(out, results)
    return Evaluation({name: result.ap for name, result in results.items()}, table)


def _breakdown(
    predictions: Mapping[str, NDArray[np.float64]],
    matches: WiderMatches,
    truth: WiderGroundTruth,
    out: str | Path | None,
    images: str | Path | None,
) -> list[Sequence[object]]:
    header = ('group', 'name', *wider_report.HEADER)
    rows = wider_report.breakdown(matches, truth)
    if out is not None:
        from mmbfbox.evaluation.plots import write_csv  # matplotlib takes a second to load

        write_csv(Path(out) / 'breakdown.csv', header, rows)
        if images is not None:
            sheet = Path(out) / 'worst_images.jpg'
            wider_report.write_worst_images(sheet, images, predictions, matches, truth)
    return [header[1:], *(row[1:] for row in rows)]


def evaluate_fddb_files(
    detectors: Detectors,
    ground_truth: str | Path,
    out: str | Path | None = None,
    annotations: Path | None = None,
) -> Evaluation:
    """FDDB: discrete and continuous rate at 1000 false positives.

    Args:
        detectors: files, or folders of fold files.
        ground_truth: folder of ``FDDB-folds`` and of ``image_sizes.txt`` or the images.
        out: folder for curves; None writes nothing.
        annotations: another ellipse list than the folds.

    Raises:
        UserError: a file cannot be read or is laid out in another way.
    """
    folder = Path(ground_truth)
    faces = fddb_io.read_fddb_annotations(folder, annotations)
    sizes = fddb_io.read_fddb_sizes(folder, list(faces))
    curves = {}
    for name, path in detectors.items():
        detections = fddb_io.read_fddb_detections(path)
        check_image_names(detections, faces, path)
        curves[name] = evaluate_fddb(detections, faces, sizes)
    if out is not None:
        from mmbfbox.evaluation.curve_reports import write_fddb_report

        write_fddb_report(out, curves)
    return Evaluation(
        {
            name: {
                'discrete_tpr_at_1000': curve.discrete_tpr(1000),
                'continuous_tpr_at_1000': curve.continuous_tpr(1000),
                'faces': curve.faces,
            }
            for name, curve in curves.items()
        }
    )


def evaluate_face_eval_files(
    detectors: Detectors,
    benchmark: str,
    ground_truth: str | Path,
    out: str | Path | None = None,
) -> Evaluation:
    """AFW or PASCAL Face: AP after five rounds of box refinement, and without.

    Args:
        detectors: files of lines ``name score x1 y1 x2 y2``.
        benchmark: ``'afw'`` or ``'pascal'``.
        ground_truth: folder of the annotation mat.
        out: folder for curves; None writes nothing.

    Raises:
        UserError: a file cannot be read or is laid out in another way.
    """
    faces, flags = face_eval_io.read_face_eval_annotations(ground_truth, benchmark)
    curves = {}
    for name, path in detectors.items():
        detections = face_eval_io.read_face_eval_detections(path)
        check_image_names(detections, faces, path)
        curves[name] = evaluate_face_eval(detections, faces, flags)
    if out is not None:
        from mmbfbox.evaluation.curve_reports import write_face_eval_report

        write_face_eval_report(out, benchmark, curves)
    return Evaluation(
        {
            name: {'ap': curve.ap, 'ap_without_refinement': curve.ap_without_refinement}
            for name, curve in curves.items()
        }
    )
