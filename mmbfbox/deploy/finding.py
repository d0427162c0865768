"""From pictures in memory to boxes: what the network sees of them, in batches, and what is made of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.deploy.backends import Backend
from mmbfbox.deploy.pixels import Picture
from mmbfbox.deploy.postprocess import decode, suppress
from mmbfbox.deploy.tiling import tiles, whole_faces
from mmbfbox.utils.box_voting import vote_boxes
from mmbfbox.utils.placement import Placement, Size, place

Floats = NDArray[np.float32]
Found = tuple[Floats, Floats]
"""Boxes ``(N, 4)`` xyxy in pixels of a picture, and scores ``(N,)``, best first."""

T = TypeVar('T')
MOST_PIXELS = 8 * 640 * 640
"""Pixels of the inputs of a batch: more at once is no faster on a CPU and takes memory."""


class FaceFinder:
    """Finds faces on pictures in memory, for :class:`~mmbfbox.deploy.FaceDetector`.

    Args:
        network: a model in a back end.
        info: what the model says of itself.
        size: of its inputs.
        score: least score of a face.
    """

    def __init__(self, network: Backend, info: OnnxMeta, size: Size, score: float) -> None:
        self._network = network
        self._info = info
        self._size = size
        self._score = score
        self._divisor = max(info.strides)

    def find(self, pictures: Sequence[Picture], tile: bool = False) -> list[Found]:
        """The faces of each picture.

        Args:
            pictures: ``(H, W, 3)`` uint8 BGR each.
            tile: also look at overlapping tiles of large ones.
        """
        views = [
            (n, view) for n, picture in enumerate(pictures) for view in self._views(picture, tile)
        ]
        own: dict[int, list[tuple[Placement, Found]]] = defaultdict(list)
        for (number, view), found in zip(views, self._look(pictures, views), strict=True):
            own[number].append((view, found))
        return [self._merged(own[n], *picture.shape[:2]) for n, picture in enumerate(pictures)]

    def _views(self, picture: Picture, tile: bool) -> list[Placement]:
        """What the network sees of a picture: all of it, then tiles."""
        height, width = picture.shape[:2]
        whole = place((height, width), self._size, self._divisor)
        return [whole, *(tiles(height, width, self._size, self._divisor) if tile else [])]

    def _look(
        self, pictures: Sequence[Picture], views: Sequence[tuple[int, Placement]]
    ) -> list[Found]:
        """What is found on each view; views whose inputs have the same size go together.

        Filling all inputs up to one size would change the boxes near the borders.
        """
        alike: dict[tuple[int, int], list[int]] = defaultdict(list)
        for index, (_, view) in enumerate(views):
            alike[view.outer].append(index)
        found: dict[int, Found] = {}
        for (height, width), indices in alike.items():
            for batch in windows(indices, max(1, MOST_PIXELS // (height * width))):
                inputs = np.empty((len(batch), 3, height, width), np.float32)
                for image, index in zip(inputs, batch, strict=True):
                    number, view = views[index]
                    view.fill(pictures[number], self._info.mean, image)
                outputs = self._network.run(inputs)
                for row, index in enumerate(batch):
                    boxes, scores = decode(outputs, row, self._info.strides, self._score)
                    found[index] = self._suppressed(views[index][1].to_picture(boxes), scores)
        return [found[index] for index in range(len(views))]

    def _suppressed(self, boxes: Floats, scores: Floats) -> Found:
        """One box for each face."""
        solid = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        boxes, scores = boxes[solid], scores[solid]
        kept = suppress(boxes, scores, self._info.nms_iou, self._info.max_faces)
        return boxes[kept], scores[kept]

    def _merged(self, found: Sequence[tuple[Placement, Found]], height: int, width: int) -> Found:
        """The faces of all views of a picture."""
        if len(found) == 1:
            return found[0][1]
        parts = []
        for number, (view, (boxes, scores)) in enumerate(found):
            rows = np.hstack((boxes, scores[:, None])).astype(np.float64)
            parts.append(rows[whole_faces(boxes, view, height, width)] if number else rows)
        voted = vote_boxes(np.concatenate(parts), self._info.nms_iou, limit=self._info.max_faces)
        boxes, scores = voted[:, :4].astype(np.float32), voted[:, 4].astype(np.float32)
        return boxes, scores


def windows(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Consecutive parts of a sequence."""
    return (items[start : start + size] for start in range(0, len(items), size))
