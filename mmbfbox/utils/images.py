"""The one reader of images: damage is found, pixels come as stored, large ones only as far as needed.

Boxes of WIDER FACE, FDDB, AFW and PASCAL Face refer to the pixels as they are stored, so a mark that says
how a viewer should turn the image (EXIF) is ignored: in training, in tests and in every picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.utils.jpeg import END, START, DamagedJpegError, jpeg_size

Picture = NDArray[np.uint8]

_FLAGS = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_MAX_PIXELS = 2**28
_DAMAGE = ('Corrupt JPEG data', 'Premature end', 'Inconsistent progression')
"""How libjpeg begins what it has to say about data that it fills up or skips."""


class DamagedImageError(UserError):
    """An image file that is missing, cut off, overwritten or no image."""


class ImageFile:
    """An image file in memory, checked but not decoded.

    Attributes:
        shape: (height, width) in pixels, as stored: boxes refer to that orientation.
        changes: what is done to the colours of all that is decoded, in this order.
        damage: what is wrong with a JPEG that is read all the same, or None.

    Args:
        path: the file.
        strict: refuse a JPEG that was cut off or overwritten, which decoders accept and fill up
            with grey, and, when it is decoded, one about whose data the decoder complains: codes
            that do not exist, pixels that are missing or left over. Otherwise the file is read as
            others read it.

    Raises:
        DamagedImageError: it cannot be read or decoded, or is a damaged JPEG and ``strict`` is set.
    """

    def __init__(self, path: str | Path, strict: bool = False) -> None:
        self.path = path
        self.strict = strict
        self.changes: list[Callable[[Picture], Picture]] = []
        try:
            self._data = Path(path).read_bytes()
        except OSError as error:
            raise DamagedImageError(
                f'cannot read the image {path}: {error.strerror}; restore the file'
            ) from error
        self._whole: Picture | None = None
        self.damage: str | None = None
        self._is_jpeg = self._data.startswith(START)
        if self._is_jpeg:
            try:
                self.shape = jpeg_size(self._data)
            except DamagedJpegError as error:
                if strict:
                    raise DamagedImageError(
                        f'the image {path} is {error}; unpack it again'
                    ) from error
                self.damage = str(error)
                self._is_jpeg = False  # nothing else is known of it before it is decoded
                # OpenCV reads a file without its end from the disk, but not from memory.
                self._data += END
        if self._is_jpeg:
            if self.shape[0] * self.shape[1] > _MAX_PIXELS:
                raise DamagedImageError(
                    f'the image {path} claims to have {self.shape[1]} x {self.shape[0]} pixels, '
                    f'more than {_MAX_PIXELS}; unpack it again or make it smaller'
                )
        else:
            self._whole = self._decode(1)
            height, width = self._whole.shape[:2]
            self.shape = height, width

    def pixels(self, reduce: int = 1) -> Picture:
        """``(ceil(H / reduce), ceil(W / reduce), 3)`` uint8 BGR; only JPEGs are reduced, by 2, 4 or 8.

        A reduced pixel stands for ``reduce`` x ``reduce`` ones, without their fine detail; at the
        right and lower border some of these are beyond the image.

        Raises:
            DamagedImageError: it cannot be decoded.
        """
        return self._decode(reduce) if self._whole is None else self._whole

    def possible_reduction(self, ratio: float) -> int:
        """The greatest reduction after which no side is shorter than scaled by ``ratio``."""
        if not self._is_jpeg:
            return 1
        return max(factor for factor in _FLAGS if factor == 1 or factor * ratio <= 1)

    def _decode(self, reduce: int) -> Picture:
        expected = None
        if self._is_jpeg:
            height, width = (-(-side // reduce) for side in self.shape)
            expected = height, width
        image: NDArray[Any] | None = None
        if expected and self.strict:
            image = self._strictly_decoded(reduce, *expected)
        if image is None:
            flags = _FLAGS[reduce] | cv2.IMREAD_IGNORE_ORIENTATION
            try:
                data = np.frombuffer(self._data, np.uint8)
                if self._data:
                    image = cv2.imdecode(data, flags)
            except cv2.error:  # sizes that cannot be
                image = None
        if image is None or (expected and image.shape[:2] != expected):
            raise DamagedImageError(
                f'the image {self.path} cannot be decoded ({len(self._data)} bytes); '
                'unpack it again'
            )
        return np.asarray(image, np.uint8)

    def _strictly_decoded(self, reduce: int, height: int, width: int) -> Picture | None:
        """The same pixels as OpenCV's, which says nothing of complaints; None if it must decide.

        Raises:
            DamagedImageError: the decoder complains about the data.
        """
        try:
            return simplejpeg.decode_jpeg(
                self._data, 'BGR', min_height=height, min_width=width, min_factor=reduce
            )
        except ValueError as error:
            if str(error).startswith(_DAMAGE):
                raise DamagedImageError(
                    f'the image {self.path} is damaged ({error}); unpack it again'
                ) from error
            # Unusual, but not damaged: colours as for printing, an unknown revision, ...
            return None


def read_image(path: str | Path, strict: bool = False) -> Picture:
    """Decode an image file to ``(H, W, 3)`` uint8 BGR, as stored: boxes refer to that orientation.

    Raises:
        DamagedImageError: see :class:`ImageFile`.
    """
    return ImageFile(path, strict).pixels()


def fit(image: Picture, width: int, height: int) -> tuple[Picture, float]:
    """An image as large as fits into ``width`` x ``height`` pixels, and what it was scaled by.

    The aspect is kept, except that no side becomes shorter than one pixel.

    Args:
        image: ``(H, W, 3)``.
        width: of the place.
        height: of the place.
    """
    zoom = min(width / image.shape[1], height / image.shape[0])
    method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    size = [max(1, round(side * zoom)) for side in image.shape[1::-1]]
    return np.asarray(cv2.resize(image, size, interpolation=method), np.uint8), zoom
