"""The annotation files of WIDER FACE, ``wider_face_{train,val}_bbx_gt.txt``, read directly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mmbfbox.datasets.face_record import ATTRIBUTES, FaceRecord
from mmbfbox.errors import UserError
from mmbfbox.utils.text import read_lines

_COLUMNS = 4 + len(ATTRIBUTES)
_NAME = re.compile(
    r'(?!\.\.?/)[^/\\]+/(?!\.\.?$)[^/\\]+'
    r'|(?:(?!\.\.?/)[^/\\]+/)*[^/\\]+\.(?:jpe?g|png|bmp|webp|tiff?)',
    re.IGNORECASE,
)
"""An official name, ``event/file``; elsewhere an image may also lie deeper or in no folder."""
_LARGEST = np.array([1e6] * 4 + [9] * len(ATTRIBUTES))
"""What the numbers of a row can be, in size: pixels and attributes."""


def parse_wider_annotations(path: str | Path) -> list[FaceRecord]:
    """Read one ``bbx_gt.txt``: image name, number of boxes, a row of ten numbers for each.

    A row is ``x y w h`` in pixels and the six attributes. Names are official ones, ``event/file.jpg``, or
    paths of images in no folder or in folders of folders.
    An image without faces has the count 0 or 1 and one row of zeros, or the count 0 and no row;
    all three give no boxes. Line ends may be ``\\n`` or ``\\r\\n``, blanks may trail, a byte order
    mark may come first.

    Raises:
        UserError: the file is missing, a line is not what the format has in that place, or an image
            comes twice.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / 'wider_face_val_bbx_gt.txt'
        >>> _ = path.write_text('Parade/a.jpg\\n1\\n10 20 30 40 0 0 0 0 0 0\\n')
        >>> (record,) = parse_wider_annotations(path)
        >>> record.image_id, record.boxes.tolist()
        ('Parade/a', [[10.0, 20.0, 40.0, 60.0]])
    """
    path, lines = Path(path), _lines(path)
    records = []
    known: dict[str, int] = {}
    at = 0
    while at < len(lines):
        name = lines[at].strip()
        if not name:
            at += 1
            continue
        _check_name(path, at, name, known)
        count = lines[at + 1].strip() if at + 1 < len(lines) else ''
        if not count.isdecimal() or len(count) > 9:
            _reject(path, at + 1, count, f'the number of faces in {name}')
        begin, at = at + 2, at + 2 + int(count)
        records.append(_record(name, _numbers(path, lines, begin, at)))
        if count == '0' and at < len(lines) and set(lines[at].split()) == {'0'}:
            at += 1
    return records


def read_wider_file_list(path: str | Path) -> list[str] | None:
    """The names of ``wider_face_test_filelist.txt``, ``event/file.jpg`` a line, no faces.

    Returns:
        None if the file is no such list: one of the first two lines with text is no image name.

    Raises:
        UserError: the file is missing, a line is no image name, or a name comes twice.
    """
    path, lines = Path(path), _lines(path)
    filled = [(at, line.strip()) for at, line in enumerate(lines) if line.strip()]
    if not all(_NAME.fullmatch(line) for _, line in filled[:2]):
        return None
    known: dict[str, int] = {}
    for at, name in filled:
        _check_name(path, at, name, known)
    return list(known)


def _lines(path: str | Path) -> list[str]:
    try:
        return read_lines(path)
    except UserError as error:
        raise UserError(
            f'cannot read the annotations {path} ({error}); '
            "unpack the official wider_face_split.zip into the data set's folder"
        ) from error


def _check_name(path: Path, at: int, name: str, known: dict[str, int]) -> None:
    """Add the name in ``lines[at]`` to the names ``known``, each with its line's number."""
    if not _NAME.fullmatch(name):
        _reject(path, at, name, "an image name 'event/file.jpg'")
    if name in known:
        raise UserError(
            f'{path} has {name} in line {known[name]} and again in line {at + 1}; '
            'put all faces of an image below one name, or remove one of the two'
        )
    known[name] = at + 1


def _numbers(path: Path, lines: list[str], begin: int, end: int) -> NDArray[np.float64]:
    """``lines[begin:end]`` as ``(end - begin, 10)`` numbers."""
    rows = [line.split() for line in lines[begin:end]]
    try:
        numbers = np.array([float(word) for row in rows for word in row])
        complete = len(rows) == end - begin and all(len(row) == _COLUMNS for row in rows)
        if complete and (np.abs(numbers.reshape(-1, _COLUMNS)) <= _LARGEST).all():
            return numbers.reshape(-1, _COLUMNS)
    except ValueError:
        pass
    for number in range(begin, end):
        line = lines[number] if number < len(lines) else ''
        words = line.split()
        if len(words) != _COLUMNS or not all(map(_is_number, words, _LARGEST)):
            break
    _reject(path, number, line, f'{_COLUMNS} numbers: x y w h and six attributes')


def _is_number(word: str, largest: float) -> bool:
    try:
        return abs(float(word)) <= largest
    except ValueError:
        return False


def _reject(path: Path, index: int, found: str, expected: str) -> NoReturn:
    raise UserError(
        f'{path}, line {index + 1}: found {found.strip()[:60]!r} where {expected} should be; '
        'correct the line or unpack the official file again'
    )


def _record(name: str, rows: NDArray[np.float64]) -> FaceRecord:
    real = (rows[:, 2] > 0) & (rows[:, 3] > 0)
    kept = rows[real]
    boxes = kept[:, :4].astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    return FaceRecord(name, boxes, kept[:, 4:].astype(np.int8), int((~real).sum()))
