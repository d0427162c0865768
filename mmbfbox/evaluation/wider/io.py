"""Predictions in the official WIDER FACE layout: one txt file an image."""

from __future__ import annotations

import codecs
import io
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.text import is_left_by_system

Floats = NDArray[np.float64]
IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png')


def read_wider_predictions(folder: str | Path) -> dict[str, Floats]:
    """Read a folder of predictions in the official layout.

    ``folder/event/name.txt`` holds the image name, the number of boxes, and one line
    ``left top width height score`` a box. An empty file means no boxes. Only the file name says
    which image it is, as in the official program.

    Returns:
        ``{event/name: (N, 5)}`` boxes xywh pixels and score, in the order of the file.

    Raises:
        UserError: the layout is another one, or a line is wrong (the message names it).

    Warns:
        UserWarning: once, with counts, about empty files, other first lines, boxes without area.
    """
    folder = Path(folder)
    predictions: dict[str, Floats] = {}
    empty = renamed = flat = 0
    for event, stem, path in sorted(_prediction_files(folder)):
        try:
            with open(path, 'rb') as handle:
                content = handle.read().removeprefix(codecs.BOM_UTF8)
        except OSError as error:
            raise UserError(f'{path} cannot be read: {error.strerror}') from error
        if not content.strip():
            empty += 1
            predictions[f'{event}/{stem}'] = np.zeros((0, 5))
            continue
        title, rows = _parse(content, path)
        renamed += title != stem
        flat += int((rows[:, 2:4] <= 0).any(axis=1).sum())
        predictions[f'{event}/{stem}'] = rows
    counts = (
        (empty, 'empty files taken as images without detections'),
        (renamed, 'files whose first line names another image; the file name counts'),
        (flat, 'boxes with w or h <= 0, which can hit no face and stay false positives'),
    )
    if any(count for count, _ in counts):
        told = '; '.join(f'{count} {what}' for count, what in counts if count)
        warnings.warn(f'{folder}: {told}', UserWarning, stacklevel=2)
    return predictions


def _prediction_files(folder: Path) -> list[tuple[str, str, str]]:
    """(event, stem, path) of each txt file two levels below ``folder``."""
    layout = 'EVENT/IMAGE.txt is expected below the given folder'
    if not folder.is_dir():
        raise UserError(f'{folder} is not a folder; {layout}')
    found = []
    for event in os.scandir(folder):
        if is_left_by_system(event.name):
            continue
        if not event.is_dir():
            if event.name.endswith('.txt'):
                raise UserError(f'{event.path} lies one level too high; {layout}')
            continue
        for entry in os.scandir(event.path):
            if is_left_by_system(entry.name):
                continue
            if entry.is_dir():
                raise UserError(f'{entry.path} is a folder one level too deep; {layout}')
            if entry.name.endswith('.txt'):
                found.append((event.name, entry.name[:-4], entry.path))
    if not found:
        raise UserError(f'{folder} holds no predictions; {layout}')
    return found


def _parse(content: bytes, path: str) -> tuple[str, Floats]:
    """Image name in the first line, and the (N, 5) rows."""
    title, _, rest = content.partition(b'\n')
    head, _, body = rest.partition(b'\n')
    try:
        count = int(head)
    except ValueError:
        count = -1
    if count < 0:
        given = head.decode(errors='replace').strip()[:40]
        raise UserError(f'{path}:2: {given!r} is not the number of boxes')
    try:
        # An empty body is no error of the file, but loadtxt warns about it.
        rows = np.loadtxt(io.BytesIO(body), ndmin=2, comments=None) if body.strip() else None
    except ValueError:
        rows = np.full((1, 1), np.nan)
    if rows is None:
        rows = np.zeros((0, 5))
    if rows.shape[1] != 5 or not np.isfinite(rows).all():
        raise _bad_line(body, path)
    if len(rows) != count:
        raise UserError(f'{path}:2: {count} boxes are announced, {len(rows)} lines follow')
    name = title.decode(errors='replace').strip().replace('\\', '/').rpartition('/')[2]
    for suffix in IMAGE_SUFFIXES:
        name = name.removesuffix(suffix)
    return name, rows


def _bad_line(body: bytes, path: str) -> UserError:
    """The error for the first line of ``body`` that is not five finite numbers."""
    for number, line in enumerate(body.split(b'\n'), start=3):
        words = line.split()
        try:
            wrong = bool(words) and (
                len(words) != 5 or not np.isfinite([float(w) for w in words]).all()
            )
        except ValueError:
            wrong = True
        if wrong:
            given = line.decode(errors='replace').strip()[:60]
            where = f'{path}:{number}: {given!r}'
            return UserError(f"{where} is not 'left top width height score', all finite")
    return UserError(f'{path} holds a line that is not five numbers')


def write_wider_predictions(folder: str | Path, predictions: Mapping[str, Floats]) -> None:
    """Write ``folder/event/name.txt`` for each image, sub-pixel boxes and scores kept.

    Images of other data sets may lie in no folder or deeper, and so do their files.

    Args:
        folder: created if needed; files of the same names are replaced.
        predictions: ``{event/name: (N, 5) xywh pixels + score}``. Boxes are written best first.

    Raises:
        UserError: a name is no path below a folder, or the folder cannot be written.
    """
    for name, rows in predictions.items():
        *folders, stem = name.split('/')
        if not all((*folders, stem)) or '..' in (*folders, stem):
            raise UserError(f"{name!r} is not an image of the form 'event/name'")
        ordered = rows[np.argsort(-rows[:, 4], kind='stable')]
        lines = [stem, str(len(rows))]
        lines += ['{:.3f} {:.3f} {:.3f} {:.3f} {:.7g}'.format(*row) for row in ordered.tolist()]
        with atomic_write(Path(folder, *folders) / f'{stem}.txt') as path:
            path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
