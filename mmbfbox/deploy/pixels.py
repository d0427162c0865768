"""Everything that stands for a picture, as 8-bit BGR pixels the way its viewer sees it.

Benchmarks are read as stored, by ``utils/images.py``; this is the reader of users' own photos.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.deploy.exif import orientation_of, upright
from mmbfbox.errors import UserError
from mmbfbox.utils.jpeg import START, DamagedJpegError, jpeg_size

Picture = NDArray[np.uint8]
Source: TypeAlias = Any
"""A path, the bytes of a file, a PIL image, or an array ``(H, W)`` or ``(H, W, 1 | 3 | 4)``."""

_MAX_PIXELS = 2**28
_ORIENTATION = 0x0112
_WHOLE = 'give the whole file'
_SHAPES = '(H, W), (H, W, 1), (H, W, 3) or (H, W, 4)'


def is_pil(source: Source) -> bool:
    """Whether it is a PIL image; PIL itself need not be installed."""
    return any(kind.__module__.startswith('PIL.') for kind in type(source).__mro__)


def name_of(source: Source) -> str:
    """What messages and records call a source: its path, or what it is."""
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    if is_pil(source):
        return str(getattr(source, 'filename', '')) or 'a PIL image'
    return 'an array' if isinstance(source, np.ndarray) else f'{type(source).__name__} object'


def read_pixels(source: Source, rgb: bool = False, exif: bool = True) -> Picture:
    """``(H, W, 3)`` uint8 BGR.

    Grey becomes three equal channels, alpha is dropped, of 16 bits the upper 8 stay, palettes and CMYK
    are looked up.

    Args:
        source: see :data:`Source`.
        rgb: an array has the order RGB or RGBA.
        exif: turn files, bytes and PIL images as their EXIF data says.

    Raises:
        UserError: it is missing, damaged, empty, or nothing of this kind.
    """
    if isinstance(source, (str, os.PathLike)):
        return _decode(_read(Path(source)), f'the picture {os.fspath(source)}', exif)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _decode(bytes(source), 'the picture that was given as bytes', exif)
    if isinstance(source, np.ndarray):
        return _from_array(source, rgb)
    if is_pil(source):
        return _from_pil(source, exif)
    raise UserError(
        f'a {type(source).__name__} was given; give a path, bytes, a PIL image, an array {_SHAPES}, or '
        f'a list of these'
    )


def _read(path: Path) -> bytes:
    if path.is_dir():
        raise UserError(f'{path} is a folder; give one picture, or the folder to stream()')
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # a name that no file can have
        why = getattr(error, 'strerror', None) or error
        raise UserError(f'cannot read the picture {path}: {why}; check the path') from error


def _decode(data: bytes, name: str, exif: bool) -> Picture:
    """The pixels of a file."""
    if data.startswith(START):
        try:
            height, width = jpeg_size(data)
        except DamagedJpegError as error:
            raise UserError(f'{name} is {error}; {_WHOLE}') from error
        if height * width > _MAX_PIXELS:
            raise UserError(
                f'{name} claims to have {width} x {height} pixels, more than {_MAX_PIXELS}; make it smaller'
            )
    pixels: NDArray[Any] | None = None
    try:
        if data:
            flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
            pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:  # sizes that cannot be
        pixels = None
    if pixels is None:
        raise UserError(
            f'{name} is damaged, or of a format that OpenCV does not know ({len(data)} bytes); {_WHOLE}'
        )
    return upright(pixels, orientation_of(data)) if exif else np.asarray(pixels, np.uint8)


def _from_pil(image: Any, exif: bool) -> Picture:
    """The pixels of a PIL image."""
    try:
        image.load()  # some decoders turn the image now
        orientation = image.getexif().get(_ORIENTATION, 1) if exif else 1
        if image.mode.startswith('I') or image.mode == 'F':
            values = np.asarray(image)
            # Pillow keeps 16-bit files as 32-bit integers, too.
            values = values.clip(0, 0xFFFF).astype(np.uint16) if image.mode != 'F' else values
            return upright(_from_array(values, rgb=True), orientation)
        return upright(_from_array(np.asarray(image.convert('RGB')), rgb=True), orientation)
    except (OSError, ValueError, SyntaxError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'the PIL image cannot be decoded ({error}); {_WHOLE}') from error


def _from_array(array: NDArray[Any], rgb: bool) -> Picture:
    """The pixels of an array."""
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)):
        raise UserError(f'an array of shape {array.shape} was given; give {_SHAPES}')
    if not array.size:
        raise UserError(
            f'an array of shape {array.shape} was given, without a pixel; give a picture'
        )
    pixels = _to_bytes(array)
    if pixels.ndim == 2:
        return np.ascontiguousarray(np.repeat(pixels[..., None], 3, axis=2))
    return np.ascontiguousarray(pixels[..., 2::-1] if rgb else pixels[..., :3])


def _to_bytes(array: NDArray[Any]) -> Picture:
    """Values as 8 bits."""
    if array.dtype == np.uint8:
        return array
    if array.dtype == np.uint16:
        return (array >> 8).astype(np.uint8)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in 'iuf':
        raise UserError(f'an array of {array.dtype} was given; give numbers from 0 to 255')
    low, high = array.min(), array.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UserError('the array has pixels that are NaN or infinite; give numbers from 0 to 255')
    if low < 0 or high > 255 or (array.dtype.kind == 'f' and 0 < high <= 1):
        raise UserError(
            f'the array has pixels from {low:g} to {high:g}; give numbers from 0 to 255 (a picture from 0 '
            f'to 1 times 255)'
        )
    return np.rint(array).astype(np.uint8)
