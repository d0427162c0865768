"""A sheet of small pictures that shows misses and false positives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.utils.drawing import corners
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.images import Picture, fit, read_image

Floats = NDArray[np.float64]

MISSED, FALSE, FOUND, PLAIN = (90, 90, 255), (0, 200, 255), (80, 210, 80), (235, 235, 235)
WIDTH, HEIGHT, CAPTION = 480, 360, 38
COLUMNS = 4


def draw_errors(
    image: Picture, missed: Floats, false: Floats, found: Floats, title: str
) -> Picture:
    """A cell with the image, missed faces red, false positives yellow, found ones green.

    Args:
        image: ``(H, W, 3)`` BGR.
        missed: ``(M, 4)`` xywh pixels of the image.
        false: ``(F, 4)`` xywh.
        found: ``(T, 4)`` xywh.
        title: below the picture, above the three counts.

    Returns:
        ``(HEIGHT + CAPTION, WIDTH, 3)`` BGR.
    """
    small, zoom = fit(image, WIDTH, HEIGHT)
    height, width = small.shape[:2]
    for boxes, colour in ((found, FOUND), (false, FALSE), (missed, MISSED)):
        for x, y, w, h in (boxes * zoom).round().tolist():
            cv2.rectangle(small, *corners(small, (x, y, x + w, y + h)), colour, 1)
    cell = np.full((HEIGHT + CAPTION, WIDTH, 3), 28, dtype=np.uint8)
    top, left = (HEIGHT - height) // 2, (WIDTH - width) // 2
    cell[top : top + height, left : left + width] = small
    _write(cell, title[-64:], 6, HEIGHT + 15, PLAIN)
    counts = ((missed, 'missed', MISSED), (false, 'false', FALSE), (found, 'found', FOUND))
    for index, (boxes, word, colour) in enumerate(counts):
        _write(cell, f'{len(boxes)} {word}', 6 + 110 * index, HEIGHT + 32, colour)
    return cell


def _write(cell: Picture, text: str, x: int, y: int, colour: tuple[int, int, int]) -> None:
    cv2.putText(cell, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def write_contact_sheet(path: str | Path, cells: Sequence[Picture]) -> None:
    """Write cells of equal size in rows of four."""
    if not cells:
        raise UserError('there is no picture to put on the contact sheet')
    height, width = cells[0].shape[:2]
    columns = min(COLUMNS, len(cells))
    rows = -(-len(cells) // columns)
    sheet = np.full((rows * (height + 4), columns * (width + 4), 3), 60, dtype=np.uint8)
    for index, cell in enumerate(cells):
        top, left = index // columns * (height + 4) + 2, index % columns * (width + 4) + 2
        sheet[top : top + height, left : left + width] = cell
    with atomic_write(path) as temporary:
        cv2.imwrite(str(temporary), sheet)


def find_image(folder: Path, name: str) -> Picture | None:
    """The image ``name`` (without suffix) below ``folder``, or None if it is not there.

    Raises:
        DamagedImageError: it cannot be read or decoded.
    """
    for suffix in ('.jpg', '.png', '.jpeg'):
        path = folder / f'{name}{suffix}'
        if path.is_file():
            return read_image(path)
    return None
