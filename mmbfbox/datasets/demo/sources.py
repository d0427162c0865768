"""Real photographs that scikit-image ships, divided into a training and a validation half."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.errors import UserError

Floats = NDArray[np.float32]

PHOTOS = {
    # rows and columns that hold no face
    'astronaut': (slice(215, None), slice(None)),
    'brick': (slice(None), slice(None)),
    'chelsea': (slice(None), slice(None)),
    'coffee': (slice(None), slice(None)),
    'grass': (slice(None), slice(None)),
    'gravel': (slice(None), slice(None)),
    'hubble_deep_field': (slice(None), slice(None)),
    'immunohistochemistry': (slice(None), slice(None)),
    'moon': (slice(None), slice(None)),
    'page': (slice(None), slice(None)),
    'rocket': (slice(None), slice(None)),
    'stereo_motorcycle': (slice(None), slice(None)),
}
TRAIN_SHARE = 0.6
"""Part of each photograph that training backgrounds come from; validation has the rest."""

LFW_FACES = 100
VAL_FACES = 30
PARTLY_FACES = (125, 127, 130, 142, 193, 196)
"""'Non-face' crops of ``lfw_subset`` that show a part of a face."""

FLAT = 0.08
"""Crops whose grey values have a lower standard deviation show nothing."""


@dataclass(frozen=True)
class Sources:
    """What images of one split are made of; no pixel is in both splits.

    Attributes:
        backgrounds: name and ``(H, W, 3)`` float32 BGR 0..1 of each photograph without faces.
        faces: ``(F, 25, 25)`` float32 grey 0..1, each filled by one face.
        distractors: ``(D, 25, 25)`` float32 grey 0..1, none of them a face.
    """

    backgrounds: tuple[tuple[str, Floats], ...]
    faces: Floats
    distractors: Floats


def load_sources(seed: int) -> dict[str, Sources]:
    """Sources of ``'train'`` and ``'val'``; the seed decides who is in which.

    Raises:
        UserError: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError as error:
        raise UserError(
            'the demo images are made of photographs in scikit-image, which is not installed; '
            'run pip install scikit-image'
        ) from error
    rng = np.random.default_rng(seed)
    crops = data.lfw_subset().astype(np.float32)
    people = rng.permutation(LFW_FACES)
    others = np.setdiff1d(np.arange(LFW_FACES, len(crops)), PARTLY_FACES)
    others = rng.permutation(others[crops[others].std(axis=(1, 2)) > FLAT])
    val_others = round(len(others) * VAL_FACES / LFW_FACES)
    halves: dict[str, list[tuple[str, Floats]]] = {'train': [], 'val': []}
    for name, where in PHOTOS.items():
        photo = getattr(data, name)()
        photo = (photo[0] if isinstance(photo, tuple) else photo)[where]
        photo = cv2.cvtColor(photo, cv2.COLOR_GRAY2BGR if photo.ndim == 2 else cv2.COLOR_RGB2BGR)
        axis = int(photo.shape[1] >= photo.shape[0])
        cut = round(photo.shape[axis] * TRAIN_SHARE)
        for split, half in zip(halves, np.split(photo, [cut], axis), strict=True):
            halves[split].append((name, half.astype(np.float32) / np.float32(255)))
    return {
        'train': Sources(
            tuple(halves['train']), crops[people[VAL_FACES:]], crops[others[val_others:]]
        ),
        'val': Sources(tuple(halves['val']), crops[people[:VAL_FACES]], crops[others[:val_others]]),
    }
