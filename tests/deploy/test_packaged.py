"""The detector that comes with the package, on real photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.deploy import FaceDetector
from mmbfbox.deploy.faces import Faces

Photo = tuple[Path, NDArray[np.float32]]


@pytest.fixture(scope='module')
def photos(shared_data: Path) -> list[Photo]:
    """Every 25th training image, and the faces that are annotated on it."""
    folder = shared_data / 'wider_mini'
    records = parse_wider_annotations(folder / 'wider_face_split/wider_face_train_bbx_gt.txt')
    return [(folder / 'WIDER_train/images' / each.name, each.boxes) for each in records[::25]]


def overlaps(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.float32]:
    """IoU of each box with each, ``(N, M)``."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    shared = np.prod(
        np.clip(np.minimum(first[:, None, 2:], second[None, :, 2:]) - corner, 0, None), 2
    )
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    iou: NDArray[np.float32] = shared / (areas[0][:, None] + areas[1][None] - shared)
    return iou


def also_found(faces: Faces, boxes: NDArray[np.float32], least: float) -> int:
    """How many of the faces are among some boxes."""
    return int((overlaps(faces.boxes, boxes).max(axis=1, initial=0) >= least).sum())


@pytest.fixture(scope='module')
def found(photos: list[Photo]) -> list[Faces]:
    """What the packaged detector finds on the photographs."""
    detector = FaceDetector(threads=1)
    return [detector.detect(path, exif=False) for path, _ in photos]


def test_most_boxes_above_the_default_score_are_faces(
    photos: list[Photo], found: list[Faces]
) -> None:
    true = sum(also_found(own, boxes, 0.5) for own, (_, boxes) in zip(found, photos, strict=True))
    assert true >= 0.85 * sum(map(len, found)) > 80


def test_the_int8_file_finds_the_faces_of_the_float_file(
    photos: list[Photo], found: list[Faces]
) -> None:
    detector = FaceDetector(backend='onnx', precision='int8', threads=1)
    rounded = [detector.detect(path, exif=False) for path, _ in photos]
    for one, other in ((found, rounded), (rounded, found)):
        both = sum(also_found(own, its.boxes, 0.8) for own, its in zip(one, other, strict=True))
        assert both >= 0.95 * sum(map(len, one)) > 80
