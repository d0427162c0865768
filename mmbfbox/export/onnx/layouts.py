"""The forms in which an ONNX file tells its boxes, each of them one that some reader knows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.export.onnx.levels import Level
from mmbfbox.export.onnx.normalisation import Normalisation

Array = NDArray[Any]


class Layout(Protocol):
    """A form of the outputs.

    Attributes:
        name: as in the file's metadata.
    """

    name: str

    def check(self, strides: Sequence[int], anchors: int) -> None:
        """Whether a detector of these strides and anchors a cell fits.

        Raises:
            UserError: it does not.
        """

    def normalisation(self, normalisation: Normalisation) -> Normalisation:
        """That of the images which this form's readers give, from that of BGR images; the same here."""
        return normalisation

    def names(self, strides: Sequence[int]) -> list[str]:
        """Names of the outputs."""

    def outputs(self, levels: Sequence[Level]) -> list[Tensor]:
        """The outputs of the levels, in the order of their names."""

    def image(self, pixels: Array) -> Array:
        """What a reader gives for BGR images ``(N, 3, H, W)``; these themselves here."""
        return pixels

    def boxes(
        self, outputs: Mapping[str, Array], strides: Sequence[int], size: tuple[int, int]
    ) -> tuple[Array, Array]:
        """What a reader makes of the outputs.

        Args:
            outputs: by name.
            strides: of the levels.
            size: height and width of the image.

        Returns:
            Scores ``(N, K)`` and boxes ``(N, K, 4)``, xyxy in pixels; the levels one after another,
            each row by row, each cell anchor by anchor.
        """


class Levels(Layout):
    """Two maps a level: scores, and distances to the four sides in strides from the cell's centre.

    Input: BGR, 0 to 255. ``score_<stride>`` is ``(N, A, H / s, W / s)``, ``bbox_<stride>``
    ``(N, 4 A, H / s, W / s)`` with left, top, right, bottom of each anchor in turn.
    """

    name = 'levels'

    def check(self, strides: Sequence[int], anchors: int) -> None:
        """Every detector fits."""

    def names(self, strides: Sequence[int]) -> list[str]:
        """Scores and boxes of the levels in turn."""
        return [f'{kind}_{stride}' for stride in strides for kind in ('score', 'bbox')]

    def outputs(self, levels: Sequence[Level]) -> list[Tensor]:
        """As in the class's description."""
        return [output for level in levels for output in (level.scores, _distances(level))]

    def boxes(
        self, outputs: Mapping[str, Array], strides: Sequence[int], size: tuple[int, int]
    ) -> tuple[Array, Array]:
        """Cells and their distances."""
        scores, boxes = [], []
        for stride in strides:
            score, distances = outputs[f'score_{stride}'], outputs[f'bbox_{stride}']
            images, anchors, height, width = score.shape
            scores.append(score.transpose(0, 2, 3, 1).reshape(images, -1))
            sides = distances.transpose(0, 2, 3, 1).reshape(images, -1, 4) * stride
            boxes.append(_around(_cells(height, width, anchors, stride, 0.5), sides))
        return np.concatenate(scores, 1), np.concatenate(boxes, 1)


class Scrfd(Layout):
    """What insightface's class ``SCRFD`` reads: scores, then distances from a cell's upper left corner.

    Input: RGB, ``(v - 127.5) / 128``. ``score_<stride>`` is ``(N, K, 1)``, ``bbox_<stride>`` ``(N, K, 4)``,
    all scores first. The reader knows strides 8, 16, 32 with two anchors a cell, and 8 to 128 with one. A
    detector with one anchor on 8, 16, 32 gets a second one whose score is 0.
    """

    name = 'scrfd'
    strides = ((8, 16, 32), (8, 16, 32, 64, 128))

    def check(self, strides: Sequence[int], anchors: int) -> None:
        """The two forms that the reader knows."""
        allowed = (1, 2) if tuple(strides) == self.strides[0] else (1,)
        if tuple(strides) not in self.strides or anchors not in allowed:
            raise UserError(
                f'the layout scrfd knows strides 8, 16, 32 with one or two anchors a cell and 8 to 128 '
                f'with one, and the detector has {_listed(strides)} with {anchors}; choose among its '
                f'strides (--strides 8 16 32), or the layout levels'
            )

    def normalisation(self, normalisation: Normalisation) -> Normalisation:
        """Of RGB from about -1 to 1."""
        return normalisation.of_unit_rgb()

    def names(self, strides: Sequence[int]) -> list[str]:
        """All scores, then all boxes."""
        return [f'{kind}_{stride}' for kind in ('score', 'bbox') for stride in strides]

    def outputs(self, levels: Sequence[Level]) -> list[Tensor]:
        """As in the class's description."""
        scores, boxes = [], []
        for level in levels:
            score, distances = level.scores, _distances(level, corner=True)
            if len(levels) == len(self.strides[0]) and len(level.shifts) == 1:
                score = torch.cat([score, score * 0], dim=1)
                distances = torch.cat([distances, distances], dim=1)
            scores.append(_rows(score, 1))
            boxes.append(_rows(distances, 4))
        return scores + boxes

    def image(self, pixels: Array) -> Array:
        """RGB from about -1 to 1."""
        return np.ascontiguousarray((pixels[:, ::-1] - np.float32(127.5)) / np.float32(128))

    def boxes(
        self, outputs: Mapping[str, Array], strides: Sequence[int], size: tuple[int, int]
    ) -> tuple[Array, Array]:
        """Cells and their distances, as the reader computes them."""
        scores, boxes = [], []
        for stride in strides:
            score, distances = outputs[f'score_{stride}'], outputs[f'bbox_{stride}']
            height, width = size[0] // stride, size[1] // stride
            anchors = score.shape[1] // (height * width)
            if anchors == 2 and not score[:, 1::2].any():  # the one that is never a face
                anchors, score, distances = 1, score[:, ::2], distances[:, ::2]
            scores.append(score[..., 0])
            boxes.append(_around(_cells(height, width, anchors, stride, 0.0), distances * stride))
        return np.concatenate(scores, 1), np.concatenate(boxes, 1)


class Yunet(Layout):
    """What OpenCV's ``cv2.FaceDetectorYN`` reads: four outputs a level, of YuNet.

    Input: BGR, 0 to 255. For strides 8, 16, 32 with one anchor a cell: ``cls_<stride>`` and
    ``obj_<stride>`` ``(N, K, 1)``, whose geometric mean is the score; ``bbox_<stride>`` ``(N, K, 4)`` with
    the centre from a cell's upper left corner and the logarithms of width and height, in strides;
    ``kps_<stride>`` ``(N, K, 10)`` for five points, which we do not find: all lie on the box's centre.
    """

    name = 'yunet'
    strides = (8, 16, 32)

    def check(self, strides: Sequence[int], anchors: int) -> None:
        """The one form that the reader knows."""
        if tuple(strides) != self.strides or anchors != 1:
            raise UserError(
                f'the layout yunet knows strides 8, 16, 32 with one anchor a cell, and the detector has '
                f'{_listed(strides)} with {anchors}; choose among its strides (--strides 8 16 32), or '
                f'the layout levels'
            )

    def names(self, strides: Sequence[int]) -> list[str]:
        """One kind after another."""
        kinds = ('cls', 'obj', 'bbox', 'kps')
        return [f'{kind}_{stride}' for kind in kinds for stride in strides]

    def outputs(self, levels: Sequence[Level]) -> list[Tensor]:
        """As in the class's description."""
        scores, boxes, points = [], [], []
        for level in levels:
            centre = level.shifts[0] + 0.5
            scores.append(_rows(level.scores, 1))
            boxes.append(_rows(torch.cat([centre, level.log_halves[0] + math.log(2)], 1), 4))
            points.append(_rows(torch.cat([centre] * 5, 1), 10))
        return [*scores, *(score.clone() for score in scores), *boxes, *points]

    def boxes(
        self, outputs: Mapping[str, Array], strides: Sequence[int], size: tuple[int, int]
    ) -> tuple[Array, Array]:
        """Cells and their boxes, as the reader computes them."""
        scores, boxes = [], []
        for stride in strides:
            score = np.sqrt(outputs[f'cls_{stride}'] * outputs[f'obj_{stride}'])
            box = outputs[f'bbox_{stride}']
            cells = _cells(size[0] // stride, size[1] // stride, 1, stride, 0.0)
            centre, half = cells + box[..., :2] * stride, np.exp(box[..., 2:]) * (stride / 2)
            scores.append(score[..., 0])
            boxes.append(np.concatenate([centre - half, centre + half], -1))
        return np.concatenate(scores, 1), np.concatenate(boxes, 1)


LAYOUTS: dict[str, Layout] = {layout.name: layout for layout in (Levels(), Scrfd(), Yunet())}


def _distances(level: Level, corner: bool = False) -> Tensor:
    """Distances ``(N, 4 A, H, W)`` to left, top, right, bottom, from the centre or corner of the cell."""
    parts = []
    for shift, log_half in zip(level.shifts, level.log_halves, strict=True):
        if corner:
            shift = shift + 0.5
        half = log_half.exp()
        parts += [half - shift, half + shift]
    return torch.cat(parts, dim=1)


def _rows(maps: Tensor, values: int) -> Tensor:
    """Maps ``(N, A * values, H, W)`` as ``(N, H * W * A, values)``."""
    return maps.permute(0, 2, 3, 1).reshape(maps.shape[0], -1, values)


def _cells(height: int, width: int, anchors: int, stride: int, offset: float) -> Array:
    """A point ``(K, 2)`` of each cell, row by row, one for each anchor."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    points = (np.stack([x, y], -1).reshape(-1, 2) + np.float32(offset)) * np.float32(stride)
    return points.repeat(anchors, 0)


def _around(points: Array, sides: Array) -> Array:
    """Boxes ``(N, K, 4)`` from points ``(K, 2)`` and the distances ``(N, K, 4)`` of their sides."""
    return np.concatenate([points - sides[..., :2], points + sides[..., 2:]], -1)


def _listed(values: Sequence[int]) -> str:
    return ', '.join(map(str, values))
