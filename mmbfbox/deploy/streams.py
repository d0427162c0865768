"""Many pictures, one after another: folders, patterns, lists, videos and webcams."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from mmbfbox.deploy.newest_frame import NewestFrame
from mmbfbox.deploy.pixels import Source, name_of
from mmbfbox.errors import UserError
from mmbfbox.utils.text import is_left_by_system

PICTURES = (
    '.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.dib', '.webp', '.tif', '.tiff', '.jp2', '.avif',
    '.gif', '.pgm', '.ppm', '.pbm',
)  # fmt: skip
VIDEOS = (
    '.mp4', '.m4v', '.mov', '.avi', '.mkv', '.webm', '.mpg', '.mpeg', '.wmv', '.flv', '.ts', '.mts',
    '.3gp', '.ogv',
)  # fmt: skip
_MISSING = 0.02
"""Part of a video's frames that may be missing: containers do not count exactly."""


@dataclass(frozen=True)
class Item:
    """A picture or frame.

    Attributes:
        source: the picture, see :data:`~mmbfbox.deploy.pixels.Source`.
        name: of the file, or what it was given as.
        frame: number of the frame, from 0, else None.
    """

    source: Source
    name: str
    frame: int | None = None


class Stream:
    """Pictures or frames, which are looked for or opened when it is made.

    Attributes:
        total: how many, as far as that is known.
        rate: frames a second of a video, else None.
        root: folder that the names of its pictures begin with, else None.
    """

    total: int | None = None
    rate: float | None = None
    root: Path | None = None

    def __iter__(self) -> Iterator[Item]:
        """One after another; a stream can be gone through once."""
        raise NotImplementedError


class PictureStream(Stream):
    """Files or other pictures."""

    def __init__(self, sources: list[Source], root: Path | None = None) -> None:
        self._sources = sources
        self.total = len(sources)
        self.root = root

    def __iter__(self) -> Iterator[Item]:
        """One after another."""
        return (Item(source, name_of(source)) for source in self._sources)


class VideoStream(Stream):
    """All frames of a video file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise UserError(
                f'the video {path} cannot be opened: it is damaged, or OpenCV does not know its format; '
                f'give the whole file'
            )
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total = count if count > 0 else None
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if rate > 0 else None

    def __iter__(self) -> Iterator[Item]:
        """One after another.

        Raises:
            UserError: the file has fewer frames than it says.
        """
        number = 0
        try:
            while True:
                there, frame = self._capture.read()
                if not there:
                    break
                yield Item(frame, str(self._path), number)
                number += 1
        finally:
            self._capture.release()
        if number < (self.total or 1) * (1 - _MISSING) - 1 or not number:
            raise UserError(
                f'the video {self._path} ends after {number} of {self.total or "its"} frames: it is cut off '
                f'or damaged; give the whole file'
            )


class LiveStream(Stream):
    """The newest frame of a webcam or an address, each time that one is asked for."""

    def __init__(self, source: int | str) -> None:
        self._name = f'webcam {source}' if isinstance(source, int) else source
        capture = cv2.VideoCapture(source)
        if not capture.isOpened():
            raise UserError(
                f'there is no {self._name}, or another program uses it; check that it is connected, or give '
                f'another number'
            )
        rate = float(capture.get(cv2.CAP_PROP_FPS))
        self.rate = rate if rate > 0 else None
        self._capture = capture

    def __iter__(self) -> Iterator[Item]:
        """Until it is stopped.

        Raises:
            UserError: no frame comes any more.
        """
        with NewestFrame(self._capture) as newest:
            for number, frame in newest:
                yield Item(frame, self._name, number)
        raise UserError(f'{self._name} gives no more frames; check that it is connected')


def open_stream(source: Any) -> Stream:
    """What pictures or frames there are.

    Args:
        source: see :meth:`~mmbfbox.deploy.FaceDetector.stream`.

    Raises:
        UserError: there is no such source, or nothing in it.
    """
    if isinstance(source, Stream):
        return source
    if isinstance(source, (list, tuple)):
        if not source:
            raise UserError('an empty list was given; give at least one picture')
        return PictureStream(list(source))
    if isinstance(source, int) and not isinstance(source, bool):
        return LiveStream(source)
    if not isinstance(source, (str, os.PathLike)):
        return PictureStream([source])
    text = os.fspath(source)
    if '://' in text:
        return LiveStream(text)
    path = Path(text)
    if path.is_dir():
        return _folder(path)
    if not path.exists() and glob.has_magic(text):
        found = sorted(p for p in glob.glob(text, recursive=True) if _is_picture(Path(p)))
        if not found:
            raise UserError(f'no picture fits {text}; check the pattern')
        return PictureStream(found)
    if not path.exists():
        raise UserError(f'there is no {path}; give a picture, a video, a folder or a pattern')
    return VideoStream(path) if path.suffix.lower() in VIDEOS else PictureStream([text])


def _folder(path: Path) -> PictureStream:
    """The pictures of a folder and of those in it."""
    found = []
    for folder, inner, names in os.walk(path):
        inner[:] = sorted(name for name in inner if not is_left_by_system(name))
        found += [os.path.join(folder, name) for name in names if _is_picture(Path(name))]
    if not found:
        raise UserError(f'the folder {path} holds no pictures ({", ".join(PICTURES)})')
    return PictureStream(sorted(found), path)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES and not is_left_by_system(path.name)
