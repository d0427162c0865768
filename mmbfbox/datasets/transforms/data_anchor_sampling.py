"""Data-anchor-sampling: scale a random face to the size of a random anchor and crop around it."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmdet.structures.bbox import HorizontalBoxes
from numpy.typing import NDArray

from mmbfbox.datasets.randomness import new_generator
from mmbfbox.datasets.transforms.window import Window, map_boxes, render_window
from mmbfbox.errors import UserError
from mmbfbox.utils.images import ImageFile
from mmbfbox.utils.settings import is_number, is_whole

Boxes = NDArray[np.float32]

PRESETS = dict(paper=1.0, paddle=0.5)
"""Probability of data-anchor-sampling; otherwise a square of S3FD is cropped."""

SMALL_FACES = ('drop', 'ignore')
INTERPOLATIONS = (
    cv2.INTER_NEAREST,
    cv2.INTER_LINEAR,
    cv2.INTER_CUBIC,
    cv2.INTER_AREA,
    cv2.INTER_LANCZOS4,
)
_MAX_SIDE = 12_000
_SQUARE_TRIES = 50
_LARGEST_SQUARE = 10


def face_sizes(boxes: Boxes) -> NDArray[np.float64]:
    """``(N,)`` square roots of the areas of ``(N, 4)`` xyxy boxes.

    Example:
        >>> face_sizes(np.array([[0, 0, 4, 9], [5, 5, 7, 7]], np.float32))
        array([6., 2.])
    """
    return np.sqrt(np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0), axis=1, dtype=np.float64))


def sample_target_size(rng: np.random.Generator, size: float, anchors: Sequence[float]) -> float:
    """Size in pixels that a face of ``size`` pixels is scaled to.

    The nearest anchor ``i`` is found, an anchor is drawn uniformly from ``0 .. i + 1`` (as far as
    there are any), and multiplied by ``2^U(-1, 1)``.

    Example:
        >>> size = sample_target_size(np.random.default_rng(0), 20, (16, 32, 64, 128))
        >>> 8 <= size <= 64  # the nearest anchor is 16, the next one 32, and the factor at most 2
        True
    """
    nearest = int(np.argmin(np.abs(np.asarray(anchors) - size)))
    target = int(rng.integers(0, min(nearest + 1, len(anchors) - 1), endpoint=True))
    return float(anchors[target] * 2 ** rng.uniform(-1, 1))


def anchor_window(
    rng: np.random.Generator,
    face: Boxes,
    shape: tuple[int, int],
    canvas: int,
    anchors: Sequence[float],
) -> Window:
    """The window of data-anchor-sampling for the ``(4,)`` xyxy ``face`` of a (height, width) image.

    The scaled image has at most 12,000 pixels squared. If it is larger than the canvas, the
    window lies anywhere around the face (inside it, when the face is larger than the canvas);
    otherwise the image lies anywhere in the window.
    """
    height, width = shape
    size = float(face_sizes(face[None])[0])
    ratio = sample_target_size(rng, size, anchors) / size
    ratio = min(ratio, _MAX_SIDE / np.sqrt(height * width))
    if canvas < max(height, width) * ratio:
        low, high = face[2:] * ratio - canvas, face[:2] * ratio
    else:
        low, high = np.array([width, height]) * ratio - canvas, np.zeros(2)
    left, top = _whole_between(rng, low, high)
    return Window(ratio, left, top, canvas)


def square_window(
    rng: np.random.Generator,
    boxes: Boxes,
    shape: tuple[int, int],
    canvas: int,
    squares: tuple[float, float] = (0.3, 1.0),
) -> Window:
    """A square of the full short side (1 of 5) or of a random share of it.

    Shares from 0.3 to 1 are S3FD's and lie inside the image; SCRFD's go up to 2, and where the image
    ends before the square, it lies anywhere in it. Fifty are tried for one that has the centre of a
    face, if there are faces.
    """
    height, width = shape
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    for _ in range(_SQUARE_TRIES):
        share = 1.0 if rng.integers(5) == 0 else rng.uniform(*squares)
        side = share * min(height, width)
        spare = np.array([width - side, height - side])
        corner = rng.uniform(np.minimum(spare, 0), np.maximum(spare, 0))
        inside = (corner < centres) & (centres < corner + side)
        if not len(boxes) or inside.all(axis=1).any():
            break
    ratio = canvas / side
    left, top = (int(value) for value in corner * ratio)
    return Window(ratio, left, top, canvas)


def _whole_between(
    rng: np.random.Generator, one: NDArray[Any], other: NDArray[Any]
) -> tuple[int, int]:
    """A uniform whole number between two bounds, in either order, for x and for y."""
    low = np.ceil(np.minimum(one, other)).astype(int)
    high = np.maximum(np.floor(np.maximum(one, other)).astype(int), low)
    left, top = rng.integers(low, high, endpoint=True)
    return int(left), int(top)


@TRANSFORMS.register_module()
class DataAnchorSampling(BaseTransform):
    """Show a square window of the scaled image that contains a random face at a random size.

    A face that is not ignored is chosen uniformly, scaled to a random anchor
    (:func:`sample_target_size`), and the window is put around it (:func:`anchor_window`), with one
    of five interpolations. The aspect ratio is kept; outside the image the canvas has the mean
    colour. Faces whose centre is in the window are kept and clipped to it. An image without
    faces gives a random square (:func:`square_window`). From PyramidBox, section 3.3, in the form
    of BFBox.

    An ``image_file`` (``LoadFaceImage(decode=False)``) that is shown much smaller is decoded at a
    half, a quarter or an eighth of its size; only the visible part is scaled and changes its colours.

    Changed keys: ``img`` (from ``image_file``, if there is one), ``img_shape``, ``scale_factor``,
    ``gt_bboxes``, ``gt_bboxes_labels``, ``gt_ignore_flags``.

    Args:
        canvas: side of the window in pixels.
        anchors: anchor sizes in pixels, ascending.
        preset: ``'paper'`` samples always; ``'paddle'`` (PyramidBox in PaddlePaddle) with
            probability 0.5, and otherwise crops a square of S3FD.
        prob: the probability itself, instead of the preset's.
        squares: smallest and largest side of the other squares, in short sides of the image.
        min_size: faces with sqrt(w * h) below it after sampling are small.
        small_faces: ``'drop'`` makes small faces background, unless no other face is left;
            ``'ignore'`` marks them as ignored.
        mean: BGR colour outside the image.
        spare: a reduced image has at least this many pixels for each one shown, along each side.
            At 1, what is left of scaling hardly blurs or aliases any more, and images come out
            softer than without reduction; None turns reduction off.

    Raises:
        UserError: a key is out of range.
    """

    def __init__(
        self,
        canvas: int = 640,
        anchors: Sequence[float] = (16, 32, 64, 128, 256, 512),
        preset: str = 'paper',
        prob: float | None = None,
        squares: tuple[float, float] = (0.3, 1.0),
        min_size: float = 8,
        small_faces: str = 'drop',
        mean: Sequence[float] = (103.53, 116.28, 123.675),
        spare: float | None = 1.5,
    ) -> None:
        if preset not in PRESETS:
            raise UserError(f'preset is {preset!r}; set it to one of {", ".join(PRESETS)}')
        if small_faces not in SMALL_FACES:
            raise UserError(
                f'small_faces is {small_faces!r}; set it to one of {", ".join(SMALL_FACES)}'
            )
        if prob is not None and not 0 <= prob <= 1:
            raise UserError(f'prob is {prob}; set it to None or a number from 0 to 1')
        if (
            not is_whole(canvas, 1)
            or not anchors
            or min(anchors) <= 0
            or list(anchors) != sorted(anchors)
        ):
            raise UserError(
                f'canvas is {canvas} and anchors are {tuple(anchors)}; '
                'set them to positive sizes, anchors ascending'
            )
        if len(squares) != 2 or not 0 < squares[0] <= squares[1] <= _LARGEST_SQUARE:
            raise UserError(
                f'squares is {squares}; set it to the smallest and the largest share of the short side, '
                f'above 0 and up to {_LARGEST_SQUARE}'
            )
        if len(mean) != 3 or not all(map(is_number, mean)):
            raise UserError(f'mean is {mean!r}; set it to the numbers of blue, green and red')
        if not is_number(min_size) or min_size < 0:
            raise UserError(f'min_size is {min_size!r}; set it to a number of pixels, 0 or more')
        if spare is not None and not spare >= 1:
            raise UserError(f'spare is {spare}; set it to 1 or more, or to None for no reduction')
        self.canvas = canvas
        self.anchors = tuple(anchors)
        self.prob = PRESETS[preset] if prob is None else prob
        self.squares = (float(squares[0]), float(squares[1]))
        self.min_size = min_size
        self.small_faces = small_faces
        self.mean = np.rint(mean).astype(np.uint8)
        self.spare = inf if spare is None else spare

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Replace the image and its boxes by those of one random window."""
        rng = new_generator()
        file: ImageFile | None = results.pop('image_file', None)
        height, width = file.shape if file else results['img'].shape[:2]
        boxes = results['gt_bboxes'].numpy()
        ignored = results['gt_ignore_flags']
        candidates = boxes[~ignored & (face_sizes(boxes) > 0)]
        if len(candidates) and rng.random() < self.prob:
            face = candidates[rng.integers(len(candidates))]
            window = anchor_window(rng, face, (height, width), self.canvas, self.anchors)
        else:
            window = square_window(rng, candidates, (height, width), self.canvas, self.squares)
        interpolation = INTERPOLATIONS[rng.integers(len(INTERPOLATIONS))]
        results['img_shape'] = (self.canvas, self.canvas)
        results['scale_factor'] = (window.ratio, window.ratio)
        # From here on, a reduced image is an ordinary one whose boxes are as much smaller.
        reduction = file.possible_reduction(self.spare * window.ratio) if file else 1
        image = file.pixels(reduction) if file else results['img']
        window = window._replace(ratio=window.ratio * reduction)
        changes = file.changes if file else ()
        results['img'] = render_window(image, window, interpolation, self.mean, changes)
        boxes = map_boxes(boxes / np.float32(reduction), window, *image.shape[:2])
        kept, ignored = self._filter(boxes, ignored)
        results['gt_bboxes'] = HorizontalBoxes(boxes[kept].clip(0, self.canvas))
        results['gt_bboxes_labels'] = results['gt_bboxes_labels'][kept]
        results['gt_ignore_flags'] = ignored[kept]
        return results

    def _filter(
        self, boxes: Boxes, ignored: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Which of the mapped, unclipped boxes stay, and which of all are ignored."""
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = (centres.min(axis=1) > 0) & (centres.max(axis=1) < self.canvas)
        small = face_sizes(boxes.clip(0, self.canvas)) < self.min_size
        if self.small_faces == 'ignore':
            return inside, ignored | small
        dropped = small & ~ignored
        if (inside & ~ignored & ~small).any():
            inside &= ~dropped
        return inside, ignored

    def __repr__(self) -> str:
        return (
            f'{type(self).__name__}(canvas={self.canvas}, anchors={self.anchors}, '
            f'prob={self.prob}, squares={self.squares}, min_size={self.min_size}, '
            f'small_faces={self.small_faces!r})'
        )
