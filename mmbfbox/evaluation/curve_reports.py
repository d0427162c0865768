"""Curves of FDDB, AFW and PASCAL Face evaluations as figures and files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mmbfbox.evaluation.face_eval.protocol import FaceEvalResult
from mmbfbox.evaluation.fddb.io import write_fddb_curves
from mmbfbox.evaluation.fddb.protocol import FddbCurve
from mmbfbox.evaluation.plots import plot_precision_recall, plot_roc, write_csv

TITLES = {'afw': 'AFW', 'pascal': 'PASCAL Face'}


def write_fddb_report(folder: str | Path, curves: Mapping[str, FddbCurve]) -> None:
    """Write ``fddb_{discrete,continuous}.png`` and the official text files.

    Those of the first detector are ``DiscROC.txt`` and ``ContROC.txt``, the names of the others
    start with the detector's name.
    """
    for index, (name, curve) in enumerate(curves.items()):
        write_fddb_curves(folder, curve, f'{name}_' if index else '')
    faces = next(iter(curves.values())).faces
    for kind, label, rate in (
        ('discrete', 'True positive rate', FddbCurve.discrete_tpr),
        ('continuous', 'Mean overlap per face', FddbCurve.continuous_tpr),
    ):
        plot_roc(
            Path(folder) / f'fddb_{kind}.png',
            f'FDDB, {kind} ({faces:,} faces)',
            {
                f'{name} ({100 * rate(curve, 1000):.2f} at 1000)': (
                    curve.false_positives,
                    getattr(curve, kind) / max(curve.faces, 1),
                )
                for name, curve in curves.items()
            },
            label,
        )


def write_face_eval_report(
    folder: str | Path, benchmark: str, curves: Mapping[str, FaceEvalResult]
) -> None:
    """Write precision-recall as ``afw.png`` and ``afw.csv``, or ``pascal.*``."""
    faces = next(iter(curves.values())).faces
    plot_precision_recall(
        Path(folder) / f'{benchmark}.png',
        f'{TITLES[benchmark]} ({faces:,} faces)',
        {name: (curve.ap, curve.recall, curve.precision) for name, curve in curves.items()},
    )
    write_csv(
        Path(folder) / f'{benchmark}.csv',
        ('detector', 'score', 'precision', 'recall'),
        (
            (name, *map('{:.6g}'.format, point))
            for name, curve in curves.items()
            for point in np.stack((curve.score, curve.precision, curve.recall), axis=1).tolist()
        ),
    )
