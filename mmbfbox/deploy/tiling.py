"""A large picture as overlapping tiles beside the whole of it, for tiny faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmbfbox.utils.placement import Placement, Size, place

Floats = NDArray[np.float32]
OVERLAP = 0.25
"""Of two neighbouring tiles: a face up to this part of a tile is whole in one of them."""
TILE = 640
"""Side of a tile where the size of the input does not say it."""
_CUT = 4
"""A box that comes as close to the inner edge of a tile, in pixels, may be part of a face."""


def tiles(height: int, width: int, size: Size, divisor: int) -> list[Placement]:
    """Tiles at the picture's own size; none if one would be all of it.

    Args:
        height: of the picture.
        width: of the picture.
        size: of the detector's input; a tile is as large.
        divisor: the network's largest stride.
    """
    rows, columns = (
        (TILE,) * 2 if size == 'original' else (size,) * 2 if isinstance(size, int) else size
    )
    if height <= rows and width <= columns:
        return []
    part = min(rows, height), min(columns, width)
    return [
        place(part, 'original', divisor, left, top)
        for top in _starts(height, part[0])
        for left in _starts(width, part[1])
    ]


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin, evenly spread from one end to the other."""
    step = tile * (1 - OVERLAP)
    number = 1 + int(np.ceil(max(0, length - tile) / step))
    return [round(start) for start in np.linspace(0, length - tile, number)]


def whole_faces(boxes: Floats, tile: Placement, height: int, width: int) -> NDArray[np.bool_]:
    """Which boxes of a tile do not touch an edge behind which the picture goes on.

    Args:
        boxes: ``(N, 4)`` xyxy in pixels of the picture.
        tile: the tile.
        height: of the picture.
        width: of the picture.
    """
    right, bottom = tile.left + tile.part[1], tile.top + tile.part[0]
    low = [edge + _CUT if edge else -np.inf for edge in (tile.left, tile.top)]
    high = [
        np.inf if edge == end else edge - _CUT for edge, end in ((right, width), (bottom, height))
    ]
    inside = np.hstack((boxes[:, :2] >= low, boxes[:, 2:] <= high))
    whole: NDArray[np.bool_] = np.all(inside, axis=1)
    return whole
