"""Files of the FDDB protocol: folds, detections, image sizes and ROC curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.evaluation.fddb.protocol import FddbCurve
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.text import is_left_by_system, read_lines

Floats = NDArray[np.float64]
MOST_PIXELS = 100_000


def read_fddb_regions(paths: Sequence[Path]) -> dict[str, Floats]:
    """Read blocks of image name, count and one region a line.

    The blocks may come in any order and be spread over several files, as the folds are. A line is
    a rectangle ``x y w h score`` or an ellipse ``major minor angle x y score``, the same kind in
    all files. Blank lines are skipped, a suffix .jpg of a name is dropped.

    Returns:
        ``{image: (N, 5 or 6)}`` in the order of the files.

    Raises:
        UserError: a file cannot be read, a line is wrong (the message names it), an image comes
            twice, or rectangles and ellipses are mixed.
    """
    regions: dict[str, list[list[float]]] = {}
    columns = 0
    for path in paths:
        lines = [
            (f'{path}:{number}', line.strip())
            for number, line in enumerate(read_lines(path), start=1)
            if line.strip()
        ]
        position = 0
        while position < len(lines):
            where, name = lines[position]
            name = name.removesuffix('.jpg')
            if name in regions:
                raise UserError(f'{where}: {name} comes for the second time')
            count = _count(*lines[position + 1]) if position + 1 < len(lines) else -1
            if count < 0:
                raise UserError(f'{where}: the number of regions is expected after {name!r}')
            rows = lines[position + 2 : position + 2 + count]
            if len(rows) < count:
                raise UserError(f'{where}: {count} regions are announced, {len(rows)} lines follow')
            regions[name] = [_region(*row) for row in rows]
            for (row_where, _), values in zip(rows, regions[name], strict=True):
                columns = columns or len(values)
                if len(values) != columns:
                    raise UserError(f'{row_where}: {len(values)} numbers after lines of {columns}')
            position += 2 + count
    return {
        name: np.array(rows, dtype=np.float64).reshape(-1, columns or 5)
        for name, rows in regions.items()
    }


def _count(where: str, text: str) -> int:
    if not _is_number(text):
        raise UserError(f'{where}: {text[:60]!r} is not the number of regions of the image before')
    return int(text)


def _is_number(text: str) -> bool:
    """A whole number that is small enough for a count or a side of an image."""
    return text.isascii() and text.isdigit() and len(text) <= 5


def _region(where: str, text: str) -> list[float]:
    try:
        values = [float(word) for word in text.split()]
    except ValueError:
        values = []
    if len(values) not in (5, 6) or not np.isfinite(values).all():
        raise UserError(
            f"{where}: {text[:60]!r} is neither 'x y w h score' nor 'major minor angle x y score'"
        )
    if max(map(abs, values[:-1])) > MOST_PIXELS:
        raise UserError(f'{where}: a coordinate is beyond {MOST_PIXELS} pixels')
    if len(values) == 6 and min(values[:2]) < 0:
        raise UserError(f'{where}: an ellipse has a radius below 0')
    return values


def read_fddb_annotations(folder: Path, annotations: Path | None = None) -> dict[str, Floats]:
    """Annotated ellipses ``{image: (G, 5)}`` of the folds below ``folder``, or of one list.

    Args:
        folder: holds ``FDDB-folds/FDDB-fold-XX-ellipseList.txt`` (or these files themselves).
        annotations: another ellipse list, such as the one with 5,409 faces.

    Raises:
        UserError: there are no folds, or they are no ellipse lists.
    """
    pattern = 'FDDB-fold-*-ellipseList.txt'
    paths = sorted((folder / 'FDDB-folds').glob(pattern)) or sorted(folder.glob(pattern))
    if annotations is not None:
        paths = [annotations]
    if not paths:
        raise UserError(f'{folder} holds no FDDB-folds/{pattern}; give the folder of the folds')
    regions = read_fddb_regions(paths)
    if any(rows.shape[1] != 6 for rows in regions.values() if len(rows)):
        raise UserError(f'{paths[0]} lists rectangles; ellipses are expected as annotations')
    return {name: rows[:, :5] if len(rows) else np.zeros((0, 5)) for name, rows in regions.items()}


def read_fddb_detections(path: Path) -> dict[str, Floats]:
    """Detections from one file, or from all txt files (the folds) of a folder."""
    if not path.is_dir():
        return read_fddb_regions([path])
    files = sorted(file for file in path.glob('*.txt') if not is_left_by_system(file.name))
    if not files:
        raise UserError(f'{path} holds no txt files; give the file or folder of the detections')
    return read_fddb_regions(files)


def read_fddb_sizes(folder: Path, names: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Width and height of each image from ``image_sizes.txt``, else from the images.

    Args:
        folder: holds ``image_sizes.txt`` (lines ``name width height``), or the official images
            ``YYYY/MM/DD/big/img_N.jpg``, directly or below ``originalPics``.
        names: the images that are needed.

    Raises:
        UserError: a line of the list is wrong, or an image is in neither place.
    """
    path = folder / 'image_sizes.txt'
    if path.is_file():
        return _read_size_list(path)
    from PIL import Image

    sizes = {}
    for name in names:
        candidates = [folder / 'originalPics' / f'{name}.jpg', folder / f'{name}.jpg']
        image = next((file for file in candidates if file.is_file()), None)
        if image is None:
            raise UserError(f'{path} is missing, and so is the image {candidates[0]}; add either')
        try:
            with Image.open(image) as opened:
                sizes[name] = opened.size
        except OSError as error:
            raise UserError(f'{image} is not a readable image: {error}') from error
    return sizes


def _read_size_list(path: Path) -> dict[str, tuple[int, int]]:
    sizes = {}
    for number, line in enumerate(read_lines(path), start=1):
        words = line.split()
        if not words:
            continue
        if len(words) != 3 or not all(_is_number(word) and int(word) for word in words[1:]):
            raise UserError(f"{path}:{number}: {line.strip()[:60]!r} is not 'name width height'")
        sizes[words[0].removesuffix('.jpg')] = (int(words[1]), int(words[2]))
    return sizes


def write_fddb_detections(path: str | Path, detections: Mapping[str, Floats]) -> None:
    """Write rectangles or ellipses in the layout that :func:`read_fddb_detections` reads."""
    lines = []
    for name, rows in detections.items():
        lines += [name, str(len(rows))]
        lines += [' '.join(f'{value:.7g}' for value in row) for row in rows.tolist()]
    with atomic_write(path) as temporary:
        temporary.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def write_fddb_curves(folder: str | Path, curve: FddbCurve, prefix: str = '') -> None:
    """Write ``DiscROC.txt`` and ``ContROC.txt`` in the layout of the official program.

    Lines are rate, false positives and, in the first file, score; lowest score first, six digits.
    """
    faces = max(curve.faces, 1)
    points = zip(
        (curve.discrete / faces).tolist(),
        (curve.continuous / faces).tolist(),
        curve.false_positives.tolist(),
        curve.score.tolist(),
        strict=True,
    )
    rows = list(points)[::-1]
    with atomic_write(Path(folder) / f'{prefix}DiscROC.txt') as path:
        path.write_text(''.join(f'{tpr:.6g} {fp} {score:.6g}\n' for tpr, _, fp, score in rows))
    with atomic_write(Path(folder) / f'{prefix}ContROC.txt') as path:
        path.write_text(''.join(f'{value:.6g} {fp}\n' for _, value, fp, _ in rows))
