"""The structure of a JPEG file, read without decoding it (ITU-T T.81, annex B)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

START, END = b'\xff\xd8', b'\xff\xd9'
_SCAN, _END, _LENGTH_OF_FRAME = 0xDA, 0xD9, 8
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BETWEEN_SCANS = frozenset({0xC4, _SCAN, _END, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})


class DamagedJpegError(ValueError):
    """The file is cut off or overwritten; the message says where."""


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Height and width in pixels, as stored, of a JPEG whose structure is whole.

    Goes from marker to marker through all scans to the end marker. What is overwritten inside a
    scan is noticed if it has a marker that cannot stand there; codes that are valid but wrong are
    not.

    Raises:
        DamagedJpegError: there is no end, no frame, or something else between.

    Example:
        >>> import cv2
        >>> _, data = cv2.imencode('.jpg', np.zeros((30, 40, 3), np.uint8))
        >>> jpeg_size(data.tobytes())
        (30, 40)
    """
    size = None
    at = len(START)
    markers = _markers(data)
    while True:
        while data[at : at + 2] == b'\xff\xff':  # fill bytes
            at += 1
        if len(data) < at + 2:
            raise DamagedJpegError(f'cut off after {len(data)} bytes')
        code = data[at + 1]
        if data[at] != 0xFF or code < 0xC0:
            raise DamagedJpegError(f'overwritten at byte {at}')
        if code == _END:
            if size is None or not min(size):
                raise DamagedJpegError('a JPEG without an image')
            return size
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
        if end < at + 4 or end > len(data):
            raise DamagedJpegError(f'cut off in the part that begins at byte {at}')
        if code in _FRAMES and end - at >= _LENGTH_OF_FRAME:
            height, width = (int.from_bytes(data[at + b : at + b + 2], 'big') for b in (5, 7))
            size = height, width
        at = end
        if code == _SCAN:
            following = np.searchsorted(markers, at)
            if following == len(markers):
                raise DamagedJpegError(f'cut off after {len(data)} bytes, in a scan')
            at = int(markers[following])
            if data[at + 1] not in _BETWEEN_SCANS:
                raise DamagedJpegError(f'overwritten at byte {at}, in a scan')


def _markers(data: bytes) -> NDArray[np.intp]:
    """Where a marker begins if it is in a scan: there 0xff is followed by 0, a restart or a marker."""
    values = np.frombuffer(data, np.uint8)
    begins = np.flatnonzero(values[:-1] == 0xFF)
    codes = values[begins + 1]
    return begins[(codes != 0) & (codes != 0xFF) & ((codes < 0xD0) | (codes > 0xD7))]
