"""Files of the face-eval protocol: annotation mats and one list of detections."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.evaluation.wider.ground_truth import load_mat
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.text import read_lines

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
MATS = {
    'afw': 'new_annotations_AFW.mat',
    'pascal': 'Annotations_Face_PASCALLayout_large_fixed.mat',
}


def read_face_eval_annotations(
    folder: str | Path, benchmark: str
) -> tuple[dict[str, Floats], dict[str, Bools]]:
    """Faces ``{image: (G, 4) xyxy pixels}`` and ignore flags ``{image: (G,)}`` of a benchmark.

    Args:
        folder: holds the annotation mat, directly or below ``annotations``.
        benchmark: ``afw`` or ``pascal``.

    Raises:
        UserError: the mat is missing, damaged or laid out differently, or the benchmark is another.
    """
    if benchmark not in MATS:
        raise UserError(f'{benchmark!r} is no face-eval benchmark; choose one of {tuple(MATS)}')
    path = Path(folder) / MATS[benchmark]
    if not path.is_file() and (Path(folder) / 'annotations' / MATS[benchmark]).is_file():
        path = Path(folder) / 'annotations' / MATS[benchmark]
    content = load_mat(path, ['Annotations'])
    faces, flags = {}, {}
    try:
        for record in content['Annotations'].ravel():
            name = str(record['imgname'][0]).rpartition('.')[0]
            rows = np.asarray(record['objects'], dtype=np.float64).reshape(-1, 6)
            faces[name], flags[name] = rows[:, :4], rows[:, 5] != 0
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise UserError(f'{path} is not laid out like the face-eval file: {error}') from error
    return faces, flags


def read_face_eval_detections(path: str | Path) -> dict[str, Floats]:
    """Detections ``{image: (N, 5) xyxy + score}`` from lines ``name score x1 y1 x2 y2``.

    Blank lines are skipped, a suffix of the name is dropped.

    Raises:
        UserError: the file cannot be read, or a line is wrong (the message names it).
    """
    path = Path(path)
    rows: dict[str, list[list[float]]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if not words:
            continue
        try:
            score, *box = (float(word) for word in words[1:])
        except ValueError:
            score, box = 0.0, []
        if len(box) != 4 or not np.isfinite([score, *box]).all():
            where = f'{path}:{number}: {line.strip()[:60]!r}'
            raise UserError(f"{where} is not 'name score x1 y1 x2 y2', all finite")
        rows.setdefault(words[0].partition('.')[0], []).append([*box, score])
    if not rows:
        raise UserError(f"{path} holds no detections; lines 'name score x1 y1 x2 y2' are expected")
    return {name: np.array(values) for name, values in rows.items()}


def write_face_eval_detections(path: str | Path, detections: Mapping[str, Floats]) -> None:
    """Write detections in the layout that :func:`read_face_eval_detections` reads."""
    lines = [
        f'{name} {score:.7g} {x1:.3f} {y1:.3f} {x2:.3f} {y2:.3f}\n'
        for name, rows in detections.items()
        for x1, y1, x2, y2, score in rows.tolist()
    ]
    with atomic_write(path) as temporary:
        temporary.write_text(''.join(lines), encoding='utf-8')
