"""Boxes in pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def corners(
    image: NDArray[np.uint8], box: Sequence[float]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Pixels of a box's two corners, for drawing it.

    What is far outside of the image is brought near to it, where it cannot be seen either: OpenCV takes no
    number beyond 32 bits. So is an edge that is no number.

    Args:
        image: ``(H, W, 3)``.
        box: left, top, right, bottom.

    Example:
        >>> corners(np.zeros((10, 20, 3), np.uint8), [1.4, -1e15, 12.5, 30])
        ((1, -10), (12, 20))
    """
    height, width = image.shape[:2]
    left, top, right, bottom = (
        round(min(max(float(edge), -side), 2 * side)) if edge == edge else -side
        for edge, side in zip(box, (width, height) * 2, strict=True)
    )
    return (left, top), (right, bottom)
