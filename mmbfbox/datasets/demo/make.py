"""A small face data set in WIDER FACE's official layout, made of images in scikit-image."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.io import savemat

from mmbfbox.datasets.demo.render import JPEG_QUALITY, SUBSETS, DemoFace, render
from mmbfbox.datasets.demo.sources import load_sources
from mmbfbox.datasets.face_record import ATTRIBUTES
from mmbfbox.errors import UserError
from mmbfbox.utils.files import atomic_write

FACELESS = 0.03
"""Share of training images without a face; every validation image has one."""

Images = list[tuple[str, list[DemoFace]]]


def make_demo_data(
    folder: str | Path,
    *,
    seed: int = 0,
    train: int = 600,
    val: int = 150,
    size: int = 192,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write images, annotations and easy/medium/hard ground truth below ``folder``.

    The same seed and sizes give the same data set. No person and no part of a background is
    in both splits.

    Args:
        folder: where ``WIDER_train``, ``WIDER_val``, ``wider_face_split`` and ``ground_truth`` go.
        seed: another seed makes another data set.
        train: number of training images.
        val: number of validation images.
        size: side of the square images in pixels.
        progress: called with images written and images in all, after each image.

    Raises:
        UserError: a number is out of range, or ``folder`` cannot be written to.
    """
    if min(train, val) < 1 or size < 64:
        raise UserError(
            f'train={train}, val={val}, size={size}: give at least one image each and 64 pixels'
        )
    folder = Path(folder)
    sources = load_sources(seed)
    done = 0
    for split, number in (('train', train), ('val', val)):
        images: Images = []
        events = [name for name, _ in sources[split].backgrounds]
        for index in range(number):
            event = index * len(events) // number
            rng = np.random.default_rng([seed, zlib.crc32(split.encode()), index])
            with_faces = split == 'val' or rng.random() >= FACELESS
            picture, faces = render(
                rng, sources[split], sources[split].backgrounds[event][1], size, with_faces
            )
            name = f'{event}--{events[event]}/{event}_{events[event]}_{index}'
            quality = int(rng.integers(*JPEG_QUALITY))
            _write_jpeg(folder / f'WIDER_{split}/images/{name}.jpg', picture, quality)
            images.append((name, faces))
            done += 1
            if progress is not None:
                progress(done, train + val)
        _write_annotations(folder / f'wider_face_split/wider_face_{split}_bbx_gt.txt', images)
    _write_mats(folder / 'ground_truth', images)


def _write_jpeg(path: Path, picture: NDArray[np.uint8], quality: int) -> None:
    with atomic_write(path) as temporary:
        cv2.imwrite(str(temporary), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def _write_annotations(path: Path, images: Images) -> None:
    lines = []
    for name, faces in images:
        lines += [f'{name}.jpg', str(len(faces))]
        rows = [[*face.box, *_attributes(face).values()] for face in faces]
        lines += [' '.join(map(str, row)) for row in rows or [[0] * (4 + len(ATTRIBUTES))]]
    with atomic_write(path) as temporary:
        temporary.write_text('\n'.join(lines) + '\n')


def _attributes(face: DemoFace) -> dict[str, int]:
    return {name: getattr(face, name, 0) for name in ATTRIBUTES}


def _write_mats(folder: Path, images: Images) -> None:
    """``wider_{face,easy,medium,hard}_val.mat``, nested cells of events and images."""
    events = [list(group) for _, group in groupby(images, key=lambda item: item[0].split('/')[0])]

    def per_image(value: Callable[[list[DemoFace]], Any]) -> NDArray[Any]:
        return _cells([_cells([value(faces) for _, faces in event]) for event in events])

    content = {
        'event_list': _cells([event[0][0].split('/')[0] for event in events]),
        'file_list': _cells([_cells([name.split('/')[1] for name, _ in e]) for e in events]),
        'face_bbx_list': per_image(
            lambda faces: np.array([face.box for face in faces], np.int32).reshape(-1, 4)
        ),
    }
    for attribute in ATTRIBUTES:
        content[f'{attribute}_label_list'] = per_image(partial(_labels, attribute=attribute))
    with atomic_write(folder / 'wider_face_val.mat') as temporary:
        savemat(str(temporary), content)
    for subset in SUBSETS:
        kept = per_image(partial(_counted, subset=subset))
        with atomic_write(folder / f'wider_{subset}_val.mat') as temporary:
            savemat(str(temporary), {**content, 'gt_list': kept})


def _labels(faces: list[DemoFace], attribute: str) -> NDArray[np.uint8]:
    """``(N, 1)``: the attribute of each face."""
    return np.array([_attributes(face)[attribute] for face in faces], np.uint8).reshape(-1, 1)


def _counted(faces: list[DemoFace], subset: str) -> NDArray[np.uint16]:
    """``(N, 1)``: the numbers, from 1, of the faces that the subset counts."""
    counted = [number for number, face in enumerate(faces, 1) if face.counts(subset)]
    return np.array(counted, np.uint16).reshape(-1, 1)


def _cells(values: Sequence[Any]) -> NDArray[Any]:
    """An ``(N, 1)`` MATLAB cell array."""
    cells = np.empty((len(values), 1), object)
    for index, value in enumerate(values):
        cells[index, 0] = value
    return cells
