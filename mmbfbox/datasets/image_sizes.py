"""Width and height of images, from their headers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from mmbfbox.errors import UserError


def measure_images(folder: Path, names: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Width and height in pixels of each image ``folder/name``, as it is stored.

    Raises:
        UserError: an image is missing or cannot be read.
    """
    sizes = {}
    for name in names:
        try:
            with Image.open(folder / name) as image:
                sizes[name] = image.size
        except OSError as error:
            raise UserError(f'{folder / name} is not a readable image: {error}') from error
    return sizes
