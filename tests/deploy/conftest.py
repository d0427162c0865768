"""A small detector as a checkpoint and as the files that are made from it, and pictures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from mmbfbox.deploy import FaceDetector
from mmbfbox.export.onnx.exporting import export_onnx, read_detector
from mmbfbox.utils.config import config_text, load_config
from tests.export.onnx.detectors import build


@pytest.fixture(scope='session')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``model.pth`` and ``model.onnx`` of one detector with random weights."""
    folder = tmp_path_factory.mktemp('model')
    config = load_config('demo/retinanet_r18_fpn_demo')
    detector = build(config.model)
    meta = dict(cfg=config_text(config))
    torch.save(dict(state_dict=detector.state_dict(), meta=meta), folder / 'model.pth')
    detector = read_detector(folder / 'model.pth')
    export_onnx(detector, name='small', licence='none').write(folder / 'model.onnx')
    return folder


@pytest.fixture(scope='session')
def model(folder: Path) -> Path:
    """The ONNX file."""
    return folder / 'model.onnx'


@pytest.fixture(scope='session')
def detector(model: Path) -> FaceDetector:
    """A detector that finds many boxes, with random weights."""
    return FaceDetector(model, size=320, score=least_score(model), threads=1)


def least_score(model: Path) -> float:
    """A score that some dozens of boxes of a picture reach."""
    every = FaceDetector(model, size=320, score=0.0, threads=1)(picture())
    return float(every.scores[min(60, len(every) - 1)])


def picture(height: int = 240, width: int = 320, seed: int = 0) -> np.ndarray:
    """A colourful picture ``(H, W, 3)`` BGR without symmetry."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (9, 12, 3), np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope='session')
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with pictures of three sizes, one of them in a folder of its own."""
    folder = tmp_path_factory.mktemp('photos')
    (folder / 'inner').mkdir()
    for name, size in (('a.jpg', (240, 320)), ('b.png', (320, 200)), ('inner/c.jpg', (100, 130))):
        cv2.imwrite(str(folder / name), picture(*size))
    (folder / '.DS_Store').write_bytes(b'0')
    (folder / 'notes.txt').write_text('no picture')
    return folder
