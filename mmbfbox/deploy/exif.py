"""How a viewer turns a picture: the orientation in its EXIF data, read from the file's own structure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TAG = 0x0112
_PNG, _TIFF = b'\x89PNG\r\n\x1a\n', (b'II*\0', b'MM\0*')
_TURNS = {
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}
"""Quarter turns to the left, and whether the result is mirrored left to right."""


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Pixels ``(H, W, ...)`` as a viewer shows them.

    Args:
        pixels: as stored.
        orientation: 1 to 8; anything else leaves them as they are.
    """
    turns, mirrored = _TURNS.get(orientation, (0, False))
    turned = np.rot90(pixels, turns)
    # ascontiguousarray would leave the stride of a single column negative.
    return (turned[:, ::-1] if mirrored else turned).copy()


def orientation_of(data: bytes) -> int:
    """The orientation, 1 to 8, of a JPEG, PNG or WebP file; 1 where nothing is said.

    Other formats have none, or, like TIFF and AVIF, one that decoders always apply.

    Args:
        data: the whole file.
    """
    try:
        block = _exif_block(data)
        return 1 if block is None else _orientation(block)
    except (IndexError, ValueError):  # a block that ends too early
        return 1


def _exif_block(data: bytes) -> bytes | None:
    """The part of the file that is laid out like a TIFF file."""
    if data.startswith(b'\xff\xd8'):
        return _from_jpeg(data)
    if data.startswith(_PNG):
        return _from_chunks(data, len(_PNG), b'eXIf', 'big')
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP':
        return _from_chunks(data, 12, b'EXIF', 'little')
    return None


def _from_jpeg(data: bytes) -> bytes | None:
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        if data[at + 1] in (0xD9, 0xDA):
            break
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
        if data[at + 1] == 0xE1 and data[at + 4 : at + 10] == b'Exif\0\0':
            return data[at + 10 : end]
        at = end
    return None


def _from_chunks(data: bytes, at: int, wanted: bytes, order: Any) -> bytes | None:
    """A chunk of PNG (length, name, content, sum) or RIFF (name, length, content, padding)."""
    png = order == 'big'
    while at + 8 <= len(data):
        first, second = data[at : at + 4], data[at + 4 : at + 8]
        name, length = (second, first) if png else (first, second)
        size = int.from_bytes(length, order)
        if name == wanted:
            return data[at + 8 : at + 8 + size].removeprefix(b'Exif\0\0')
        at += 8 + size + (4 if png else size % 2)
    return None


def _orientation(block: bytes) -> int:
    """Of a block whose first directory has it."""
    if not block.startswith(_TIFF):
        return 1
    order: Any = 'little' if block.startswith(b'II') else 'big'

    def number(at: int, size: int) -> int:
        part = block[at : at + size]
        if len(part) < size:
            raise ValueError('the block ends')
        return int.from_bytes(part, order)

    start = number(4, 4)
    for entry in range(number(start, 2)):
        at = start + 2 + 12 * entry
        if number(at, 2) == _TAG:
            value = number(at + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1
