"""A WIDER FACE of a few small images, in the official layout, for tests of single promises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mmbfbox.datasets import WiderFaceDataset

NAMES = tuple(f'{event}/{number}.jpg' for event in ('0--Parade', '1--Dance') for number in range(2))
FACES = ('5 6 20 30 0 0 0 0 0 0', '40 10 9 12 2 0 0 1 0 0')
PACK = dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape', 'scale_factor'))
TRAINING = [
    dict(type='LoadFaceImage', decode=False, strict=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FacePhotometricDistortion'),
    dict(type='DataAnchorSampling', canvas=64, anchors=(16, 32)),
    dict(type='RandomFlip', prob=0.5),
]


def write_wider(root: Path, shape: tuple[int, int] = (60, 80), split: str = 'train') -> Path:
    """Four images of noise in two events, two faces each, the second one invalid."""
    lines = []
    for number, name in enumerate(NAMES):
        path = root / f'WIDER_{split}/images' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 255, (*shape, 3), dtype=np.uint8)
        assert cv2.imwrite(str(path), noise)
        lines += [name, '2', *FACES]
    annotations(root, split).parent.mkdir(exist_ok=True)
    annotations(root, split).write_text('\n'.join(lines) + '\n')
    return root


def annotations(root: Path, split: str = 'train') -> Path:
    return root / f'wider_face_split/wider_face_{split}_bbx_gt.txt'


def settings(root: Path, **keys: Any) -> dict[str, Any]:
    """Config of the data set; by default its pipeline only loads and packs."""
    return dict(
        type='WiderFaceDataset',
        data_root=str(root),
        ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
        data_prefix=dict(img='WIDER_train/images'),
        pipeline=[dict(type='LoadFaceImage'), PACK],
    ) | dict(keys)


def build(root: Path, **keys: Any) -> WiderFaceDataset:
    arguments = settings(root, **keys)
    arguments.pop('type')
    return WiderFaceDataset(**arguments)


def turn_by_exif(path: Path) -> None:
    """Mark a JPEG as turned: orientation 6, as phones write it for pictures taken upright."""
    data = path.read_bytes()
    tiff = b'MM\0*\0\0\0\x08' + b'\0\x01' + b'\x01\x12\0\x03\0\0\0\x01\0\x06\0\0' + b'\0' * 4
    exif = b'Exif\0\0' + tiff
    path.write_bytes(data[:2] + b'\xff\xe1' + (len(exif) + 2).to_bytes(2, 'big') + exif + data[2:])
