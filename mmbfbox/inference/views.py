"""The views of an image that multi-scale testing looks at, as the published detectors choose them.

Every published list keeps only small faces of enlarged views and large faces of shrunken ones. What
counts as small differs: S3FD and DSFD look at sides (w + 1 pixels), MogFace at areas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LARGEST_BLOB = 0x7FFFFFFF
"""Values that a blob of Caffe may hold: S3FD and DSFD derive the largest image from it."""


@dataclass(frozen=True)
class View:
    """One look at an image, and the boxes that it is trusted with.

    Args:
        scale: factor on both sides of the image.
        flip: mirrored left to right.
        long_side_above: least longer side of a box, in pixels of the original image, w + 1.
        short_side_below: its shorter side must be smaller than this, w + 1.
        area_above: least area, w * h.
        area_below: largest area.
    """

    scale: float = 1.0
    flip: bool = False
    long_side_above: float = -inf
    short_side_below: float = inf
    area_above: float = -inf
    area_below: float = inf

    def trusts(self, boxes: Floats) -> NDArray[np.bool_]:
        """Which of the boxes, ``(N, 4)`` xyxy pixels of the original image, this view may report."""
        width, height = (boxes[:, 2:] - boxes[:, :2]).T
        area = width * height
        trusted: NDArray[np.bool_] = (
            (np.maximum(width, height) + 1 > self.long_side_above)
            & (np.minimum(width, height) + 1 < self.short_side_below)
            & (area > self.area_above)
            & (area < self.area_below)
        )
        return trusted

    def to_view(self, boxes: Floats, image: tuple[int, int], view: tuple[int, int]) -> Floats:
        """Boxes of the original image in pixels of the view; sizes are height, width."""
        boxes = _mirror(boxes, image[1]) if self.flip else boxes
        return boxes * _factors(view, image)

    def to_image(self, boxes: Floats, image: tuple[int, int], view: tuple[int, int]) -> Floats:
        """Boxes ``(N, 4)`` xyxy pixels of the view in pixels of the original image.

        Coordinates are those of pixel edges: 0 is the left edge of the first pixel, the width the
        right edge of the last one. So no half pixel is lost when an image is resized or mirrored.

        Args:
            boxes: found in the view.
            image: height and width of the original image.
            view: height and width of the view, whose sides are whole numbers: the factor of each
                side is theirs, not :attr:`scale`.
        """
        boxes = boxes * _factors(image, view)
        return _mirror(boxes, image[1]) if self.flip else boxes


def _factors(numerator: tuple[int, int], denominator: tuple[int, int]) -> Floats:
    height, width = numerator[0] / denominator[0], numerator[1] / denominator[1]
    return np.array([width, height, width, height])


def _mirror(boxes: Floats, width: int) -> Floats:
    mirrored = boxes.copy()
    mirrored[:, 0], mirrored[:, 2] = width - boxes[:, 2], width - boxes[:, 0]
    return mirrored


@dataclass(frozen=True)
class Preset:
    """A published multi-scale test.

    Args:
        views: the views of an image of height x width pixels.
        vote_iou: least IoU with the best box of a cluster.
        singletons: ``'keep'`` or ``'drop'`` boxes that no other view confirms.
        nms_iou: of the NMS within each view; None keeps the detector's own.
    """

    views: Callable[[int, int], list[View]]
    vote_iou: float
    singletons: str
    nms_iou: float | None = None


def _shrunken_and_enlarged(largest: float, extra: bool) -> list[View]:
    """The part that S3FD and DSFD share: half size, and enlarged up to the largest scale.

    Args:
        largest: scale of the largest view.
        extra: DSFD's additional scales 0.75 and 1.5.
    """
    half = 0.5 if largest >= 0.75 else 0.5 * largest
    shrunken = [half, 0.75] if extra and largest > 0.75 else [half]
    enlarge = min(2.0, largest) if largest > 1 else (half + largest) / 2
    enlarged = [enlarge]
    if extra and largest > 1.5:
        enlarged.append(1.5)
    if largest > 2:
        enlarge *= 2
        while enlarge < largest:
            enlarged.append(enlarge)
            enlarge *= 2
        enlarged.append(largest)
    views = [View(scale, long_side_above=30) for scale in shrunken]
    if enlarge > 1:
        return views + [View(scale, short_side_below=100) for scale in enlarged]
    return views + [View(scale, long_side_above=30) for scale in enlarged]


def s3fd_views(height: int, width: int) -> list[View]:
    """S3FD's test on WIDER FACE: original, mirrored, half, and doubled as far as memory goes."""
    largest = (LARGEST_BLOB / 577 / (height * width)) ** 0.5
    original = min(1.0, largest)
    return [View(original), View(original, flip=True), *_shrunken_and_enlarged(largest, False)]


def dsfd_views(height: int, width: int) -> list[View]:
    """DSFD's test on WIDER FACE: S3FD's with more scales, and a pyramid; at most three-fold."""
    largest = min(3.0, (LARGEST_BLOB / 200 / (height * width)) ** 0.5)
    original = min(1.0, largest)
    pyramid = [View(0.25, long_side_above=30)]
    pyramid += [View(s, short_side_below=100) for s in (1.25, 1.75, 2.25) if s <= largest]
    return [
        View(original),
        View(original, flip=True),
        *_shrunken_and_enlarged(largest, True),
        *pyramid,
    ]


def mogface_views(height: int, width: int) -> list[View]:
    """MogFace's test on WIDER FACE: DSFD's scales up to 2.6, each trusted with a range of areas."""
    largest = min(2.6, (LARGEST_BLOB / 200 / (height * width)) ** 0.5)
    original = min(1.0, largest)
    half = 0.5 if largest >= 0.75 else 0.5 * largest
    views = [View(original), View(original, flip=True), View(half, area_above=2000)]
    if largest > 0.75:
        views.append(View(0.75, area_above=2000))
    enlarge = min(2.0, largest) if largest > 1 else (half + largest) / 2
    views.append(View(enlarge, area_below=9000))
    if largest > 1.5:
        views.append(View(1.5, area_below=12000))
    if largest > 2:
        views.append(View(largest, area_below=7500))
    views.append(View(0.25, area_above=2000))
    limits = ((1.25, 30000), (1.75, 15000), (2.25, 9000))
    return views + [View(s, area_below=area) for s, area in limits if s <= largest]


PRESETS = {
    's3fd': Preset(s3fd_views, vote_iou=0.3, singletons='drop'),
    'dsfd': Preset(dsfd_views, vote_iou=0.3, singletons='drop'),
    'mogface': Preset(mogface_views, vote_iou=0.6, singletons='keep'),
    'mogface_hard': Preset(mogface_views, vote_iou=0.5, singletons='keep', nms_iou=0.4),
}
