"""Pictures as a graph takes them, for comparing, calibrating and measuring."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError
from mmbfbox.utils.images import DamagedImageError, read_image
from mmbfbox.utils.placement import Placement, Size, place

Array = NDArray[Any]

_SUFFIX = re.compile(r'\.(jpe?g|png|bmp|webp)', re.IGNORECASE)


def find_pictures(folder: str | Path, most: int) -> list[Path]:
    """Up to ``most`` pictures of a folder and those below it, evenly spread over their sorted paths.

    Raises:
        UserError: there is no such folder, or no picture in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError(
            f'the folder of pictures {folder} does not exist; give one with JPEG or PNG files'
        )
    found = sorted(path for path in root.rglob('*') if _SUFFIX.fullmatch(path.suffix))
    if not found:
        raise UserError(f'the folder {folder} has no pictures; give one with JPEG or PNG files')
    step = max(len(found) / most, 1)
    return [found[int(index * step)] for index in range(min(most, len(found)))]


def canvas(
    picture: Array, size: Size, divisor: int, mean: tuple[float, ...]
) -> tuple[Array, Placement]:
    """A picture in a size that a graph takes, placed as ``FaceDetector`` does it.

    Args:
        picture: ``(H, W, 3)`` uint8 BGR.
        size: longer side of the result before it is filled up, or height and width to fit into.
        divisor: height and width of the result are multiples of it.
        mean: colour of what is filled up, BGR.

    Returns:
        ``(1, 3, H, W)`` float32 BGR, 0 to 255, and where the picture stands in it.
    """
    height, width = picture.shape[:2]
    placement = place((height, width), size, divisor)
    pixels = np.empty((1, 3, *placement.outer), np.float32)
    placement.fill(picture, mean, pixels[0])
    return pixels, placement


def read_canvases(
    folder: str | Path, most: int, size: Size, divisor: int, mean: tuple[float, ...]
) -> list[Array]:
    """Canvases ``(1, 3, H, W)`` of pictures of a folder; damaged ones are left out.

    Raises:
        UserError: there is no folder, or no readable picture in it.
    """
    canvases = []
    for path in find_pictures(folder, most):
        try:
            picture = read_image(path)
        except DamagedImageError:
            continue
        canvases.append(canvas(picture, size, divisor, mean)[0])
    if not canvases:
        raise UserError(
            f'no picture of the folder {folder} can be read; give whole JPEG or PNG files'
        )
    return canvases
