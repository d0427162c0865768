"""A square window on a scaled image, computed from the source region that it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray


class Window(NamedTuple):
    """What a canvas of ``size`` x ``size`` shows of an image scaled by ``ratio``.

    ``left`` and ``top`` are whole pixels of the scaled image and may be negative.
    """

    ratio: float
    left: int
    top: int
    size: int


class _Span(NamedTuple):
    """Source pixels ``begin:end`` that become the canvas pixels ``first:last`` of one axis."""

    begin: int
    end: int
    first: int
    last: int

    @property
    def scale(self) -> float:
        return (self.last - self.first) / (self.end - self.begin)


def _span(window: Window, start: int, length: int) -> _Span:
    """The span of one axis: whole source pixels, so its ends may lie outside the canvas.

    It is as long as the canvas allows even if little of it is visible: rounding then changes the
    scale by less than one canvas pixel in the whole length.
    """
    inside = np.clip(start, 0, max(length * window.ratio - window.size, 0))
    begin = int(min(inside / window.ratio, length - 1))
    end = int(min(np.ceil((inside + window.size) / window.ratio), length))
    first, last = (round(edge * window.ratio) - start for edge in (begin, end))
    return _Span(begin, end, first, max(last, first + 1))


def _spans(window: Window, height: int, width: int) -> tuple[_Span, _Span]:
    return _span(window, window.left, width), _span(window, window.top, height)


def render_window(
    image: NDArray[np.uint8],
    window: Window,
    interpolation: int,
    fill: NDArray[np.uint8],
    changes: Sequence[Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = (),
) -> NDArray[np.uint8]:
    """The ``(size, size, 3)`` canvas; where there is no image it has the colour ``fill``.

    Equal to scaling the whole ``(H, W, 3)`` image, but only the visible part is touched. The
    ``changes`` are those of each pixel by itself; they are made where there are fewer pixels,
    before or after scaling.

    Example:
        >>> image = np.full((10, 20, 3), 255, np.uint8)
        >>> canvas = render_window(image, Window(2.0, 0, 0, 32), cv2.INTER_LINEAR, np.zeros(3, np.uint8))
        >>> canvas.shape, int((canvas[..., 0] == 255).sum())
        ((32, 32, 3), 640)
    """
    x, y = _spans(window, *image.shape[:2])
    visible: NDArray[Any] = image[y.begin : y.end, x.begin : x.end]
    shape = (y.last - y.first, x.last - x.first)
    grows = visible.shape[0] * visible.shape[1] <= shape[0] * shape[1]
    if grows:
        visible = reduce(lambda pixels, change: change(pixels), changes, visible)
    visible = cv2.resize(visible, shape[::-1], interpolation=interpolation)
    if not grows:
        visible = reduce(lambda pixels, change: change(pixels), changes, visible)
    canvas = np.empty((window.size, window.size, 3), np.uint8)
    canvas[:] = fill
    left, right = np.clip([x.first, x.last], 0, window.size)
    top, bottom = np.clip([y.first, y.last], 0, window.size)
    canvas[top:bottom, left:right] = visible[
        top - y.first : bottom - y.first, left - x.first : right - x.first
    ]
    return canvas


def map_boxes(
    boxes: NDArray[np.float32], window: Window, height: int, width: int
) -> NDArray[np.float32]:
    """``(N, 4)`` xyxy boxes of the image in canvas pixels, as :func:`render_window` places them."""
    x, y = _spans(window, height, width)
    scale = np.array([x.scale, y.scale] * 2, np.float64)
    begin = np.array([x.begin, y.begin] * 2)
    first = np.array([x.first, y.first] * 2)
    return ((boxes - begin) * scale + first).astype(np.float32)
