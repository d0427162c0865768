"""Reading images: damaged ones are found instead of half-decoded, large ones decoded as far as needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import simplejpeg
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from numpy.typing import NDArray

from mmbfbox.datasets.jpeg import START, DamagedJpegError, jpeg_size
from mmbfbox.datasets.transforms.photometric import ColourChange
from mmbfbox.errors import UserError

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

    Args:
        path: the file.
        strict: also refuse a JPEG about whose data the decoder complains, when it is decoded:
            codes that do not exist, pixels that are missing or left over.

    Raises:
        DamagedImageError: it cannot be read or decoded, or is a JPEG that was cut off or
            overwritten, which decoders accept and fill up with grey.
    """

    def __init__(self, path: str | Path, strict: bool = False) -> None:
        self.path = path
        self.strict = strict
        self.changes: list[ColourChange] = []
        try:
            self._data = Path(path).read_bytes()
        except OSError as error:
            raise DamagedImageError(
                f'cannot read the image {path}: {error.strerror}; restore the file'
            ) from error
        self._whole: NDArray[np.uint8] | None = None
        self._is_jpeg = self._data.startswith(START)
        if self._is_jpeg:
            try:
                self.shape = jpeg_size(self._data)
            except DamagedJpegError as error:
                raise DamagedImageError(f'the image {path} is {error}; unpack it again') from error
            if self.shape[0] * self.shape[1] > _MAX_PIXELS:
                raise DamagedImageError(
                    f'the image {path} claims to have {self.shape[1]} x {self.shape[0]} pixels, '
                    f'more than {_MAX_PIXELS}; unpack it again or make it smaller'
                )
        else:
            self._whole = self._decode(1)
            height, width = self._whole.shape[:2]
            self.shape = height, width

    def pixels(self, reduce: int = 1) -> NDArray[np.uint8]:
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

    def _decode(self, reduce: int) -> NDArray[np.uint8]:
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

    def _strictly_decoded(self, reduce: int, height: int, width: int) -> NDArray[np.uint8] | None:
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


def read_image(path: str | Path, strict: bool = False) -> NDArray[np.uint8]:
    """Decode an image file to ``(H, W, 3)`` uint8 BGR, as stored: boxes refer to that orientation.

    Raises:
        DamagedImageError: see :class:`ImageFile`.
    """
    return ImageFile(path, strict).pixels()


@TRANSFORMS.register_module()
class LoadFaceImage(BaseTransform):
    """Read ``img_path`` into ``img``, or only into memory.

    Added keys: ``img`` or ``image_file``, ``img_shape`` and ``ori_shape`` (height, width),
    ``scale_factor`` (1, 1).

    Args:
        decode: False leaves decoding to ``DataAnchorSampling``, which decodes no more than it
            shows, and to ``DecodeFaceImage``, which must come before any other transform that
            uses the pixels.
        strict: True also refuses JPEGs about whose data the decoder complains, see
            :class:`ImageFile`. Training skips and lists them; tests should read what others read.
    """

    def __init__(self, decode: bool = True, strict: bool = False) -> None:
        self.decode = decode
        self.strict = strict

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image.

        Raises:
            DamagedImageError: see :class:`ImageFile`.
        """
        file = ImageFile(results['img_path'], self.strict)
        shape = tuple(file.shape)
        results.update(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0), image_file=file)
        return _decoded(results) if self.decode else results


@TRANSFORMS.register_module()
class DecodeFaceImage(BaseTransform):
    """Decode what ``LoadFaceImage(decode=False)`` left and nothing has decoded since.

    Changed keys: ``image_file`` becomes ``img``.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``img`` if it is not there.

        Raises:
            DamagedImageError: the image cannot be decoded.
        """
        return _decoded(results) if 'image_file' in results else results


def _decoded(results: dict[str, Any]) -> dict[str, Any]:
    file: ImageFile = results.pop('image_file')
    image = file.pixels()
    for change in file.changes:
        image = change(image)
    results['img'] = image
    return results
