"""The newest frame of a camera: whoever is slow misses frames, and sees none that is old."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


class Capture(Protocol):
    """What is needed of ``cv2.VideoCapture``."""

    def read(self) -> tuple[bool, Any]:
        """Wait for the next frame; whether there is one, and the frame."""

    def release(self) -> None:
        """Close it."""


class NewestFrame:
    """Reads a camera in a thread of its own and keeps the last frame.

    A camera's driver keeps several frames, so reading only when one is wanted would give old ones.

    Args:
        capture: an open camera; it is released at the end of the ``with``.
    """

    def __init__(self, capture: Capture) -> None:
        self._capture = capture
        self._new = threading.Condition()
        self._frame: Picture | None = None
        self._number = -1
        self._over = False
        self._thread = threading.Thread(target=self._read, name='newest-frame', daemon=True)

    def __enter__(self) -> NewestFrame:
        """Begin to read."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop reading and release the camera."""
        self._end()
        self._thread.join(timeout=5)
        self._capture.release()

    def __iter__(self) -> Iterator[tuple[int, Picture]]:
        """Numbers, from 0, and frames, each newer than the one before, until no more come."""
        last = -1
        while True:
            with self._new:
                # With a time, so that Ctrl-C is heard on every system.
                while self._number == last and not self._over:
                    self._new.wait(timeout=0.5)
                if self._number == last or self._frame is None:
                    return
                last, frame = self._number, self._frame
            yield last, frame

    def _read(self) -> None:
        while not self._over:
            there, frame = self._capture.read()
            if not there:
                break
            with self._new:
                self._frame = frame
                self._number += 1
                self._new.notify_all()
        self._end()

    def _end(self) -> None:
        with self._new:
            self._over = True
            self._new.notify_all()
