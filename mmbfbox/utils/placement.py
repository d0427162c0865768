"""From pixels to a network's input and back: the same steps wherever an exported model runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
Size = int | Literal['original'] | tuple[int, int]
"""Longer side of the input, the picture's own size, or (height, width) of a canvas that it fits into."""

LARGEST_SIDE = 1 << 16


@dataclass(frozen=True)
class Placement:
    """A part of a picture, and where it stands in the network's input: at its upper left corner.

    Attributes:
        left, top: upper left corner of the part, in pixels of the picture.
        part: (height, width) of the part.
        inner: (height, width) that it is resized to.
        outer: (height, width) of the input, whose rest has the mean colour.
    """

    left: int
    top: int
    part: tuple[int, int]
    inner: tuple[int, int]
    outer: tuple[int, int]

    def fill(self, pixels: Picture, mean: Sequence[float], out: Floats) -> None:
        """Write the part into an input.

        Args:
            pixels: ``(H, W, 3)``, the whole picture.
            mean: colour of the rest, in the order of the pixels.
            out: ``(3, *outer)``.
        """
        height, width = self.part
        part = pixels[self.top : self.top + height, self.left : self.left + width]
        if self.inner != self.part:
            part = np.asarray(cv2.resize(part, self.inner[::-1], interpolation=cv2.INTER_LINEAR))
        bottom, right = self.inner
        for channel, colour in enumerate(mean):
            out[channel, :bottom, :right] = part[..., channel]
            out[channel, bottom:] = colour
            out[channel, :bottom, right:] = colour

    def to_picture(self, boxes: Floats) -> Floats:
        """Boxes ``(N, 4)`` xyxy of the input, within it, in pixels of the picture.

        A side's factor is that of the whole pixels which it was resized to, as in mmdet.
        """
        (height, width), (bottom, right) = self.part, self.inner
        clipped = boxes.clip(0, np.array([right, bottom] * 2, np.float32))
        factors = np.array([width / right, height / bottom] * 2, np.float32)
        return clipped * factors + np.array([self.left, self.top] * 2, np.float32)


def check_size(size: Size) -> Size:
    """The size itself.

    Raises:
        UserError: it is none.
    """
    if size == 'original':
        return size
    sides = (size,) if isinstance(size, int) else size
    known = isinstance(sides, (tuple, list)) and len(sides) in (1, 2)
    if known and all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in sides):
        return size if isinstance(size, int) else (sides[0], sides[-1])
    raise UserError(
        f'size is {size!r}; give the longer side in pixels, (height, width), or "original"'
    )


def place(
    part: tuple[int, int], size: Size, divisor: int, left: int = 0, top: int = 0
) -> Placement:
    """Where a part of a picture goes.

    Args:
        part: its (height, width) in pixels.
        size: of the input, before it is filled up to multiples of ``divisor``.
        divisor: the network's largest stride.
        left: first column of the part.
        top: first row of the part.

    Example:
        >>> place((768, 1024), 640, 128).outer
        (512, 640)
    """
    inner = outer = part
    if size != 'original':
        canvas = (size, size) if isinstance(size, int) else size
        factor = min(canvas[0] / part[0], canvas[1] / part[1])
        height, width = (max(1, int(side * factor + 0.5)) for side in part)
        inner = height, width
        outer = inner if isinstance(size, int) else canvas
    rows, columns = (-(-side // divisor) * divisor for side in outer)
    return Placement(left, top, part, inner, (rows, columns))
