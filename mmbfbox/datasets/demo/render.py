"""Images of many small, blurred, hidden and dim faces, made of real photographs.

All constants that decide how hard the images are stand at the top.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.datasets.demo.paste import Floats, Look, Placement, paste
from mmbfbox.datasets.demo.sources import Sources

MAX_FACES = 12
FACES_DECAY = 0.85  # each further face is this much rarer
HEIGHTS = (14, 0.5)  # lowest height in pixels, largest in sides of the image; log-uniform
CROWD = 0.2  # share of faces placed next to another one
MAX_IOU = 0.2  # of two faces
DISTRACTORS = 1  # mean number
DISTRACTOR_HEIGHTS = (16, 0.3)
SCRAMBLED = 0.0  # share of distractors that are the shuffled quarters of a face
BLURRED, MAX_BLUR = 0.2, 0.05  # share, and largest standard deviation in heights of the face
DIM, MIN_GAIN = 0.15, 0.55
FLAT, MIN_CONTRAST = 0.15, 0.65
MAX_BLENDING = 0.15
HIDDEN, MAX_HIDDEN = 0.15, 0.4  # share, and largest part of the face's height or width
MAX_ANGLE = 15
SKIN, OBJECTS = (0.62, 0.78, 1.0), (0.85, 0.85, 0.85)  # BGR tints
TINT_SPREAD = 0.08
UNTINTED = 0.1  # share of faces in grey
GREY_IMAGES = 0.1
NOISE = 0.025  # largest standard deviation of the noise, of the whole range
JPEG_QUALITY = (70, 95)

MIN_VISIBLE = 0.4  # faces with a smaller part visible are marked invalid
SUBSETS = {
    # a valid face counts if it is higher than this many pixels and at most so difficult
    'easy': (36, 0.35),
    'medium': (22, 0.5),
    'hard': (12, 0.7),
}


@dataclass(frozen=True)
class DemoFace:
    """An annotated face.

    Attributes:
        box: xywh, whole pixels.
        blur, illumination, occlusion, pose, invalid: as WIDER FACE codes them.
        difficulty: 0 (clear) .. 1.
    """

    box: tuple[int, int, int, int]
    blur: int
    illumination: int
    occlusion: int
    pose: int
    invalid: int
    difficulty: float

    def counts(self, subset: str) -> bool:
        """Whether ``'easy'``, ``'medium'`` or ``'hard'`` counts it."""
        height, difficulty = SUBSETS[subset]
        return not self.invalid and self.box[3] > height and self.difficulty <= difficulty


def render(
    rng: np.random.Generator, sources: Sources, background: Floats, size: int, faces: bool = True
) -> tuple[NDArray[np.uint8], list[DemoFace]]:
    """One ``(size, size, 3)`` uint8 BGR image and its faces, on a part of ``background``."""
    image = _background(rng, background, size)
    for _ in range(rng.poisson(DISTRACTORS)):
        place = _place(rng, size, DISTRACTOR_HEIGHTS, None, _look(rng, OBJECTS))
        paste(image, _distractor(rng, sources), place)

    number = 1 + min(int(rng.geometric(1 - FACES_DECAY)) - 1, MAX_FACES - 1) if faces else 0
    heights = (HEIGHTS[0], min(HEIGHTS[1], 1.1 / np.sqrt(max(number, 1))))
    placed: list[Placement] = []
    for _ in range(number):
        beside = placed[rng.integers(len(placed))] if placed and rng.random() < CROWD else None
        new = _place(rng, size, heights, beside, _look(rng, SKIN))
        if all(_iou(new.box, old.box) < MAX_IOU for old in placed):
            placed.append(new)
    # Nearer, larger faces hide smaller ones.
    placed.sort(key=lambda placement: placement.height)
    owner = np.full((size, size), -1)
    people = rng.permutation(len(sources.faces))
    whole = []
    for index, placement in enumerate(placed):
        solid = paste(image, sources.faces[people[index]], placement)
        whole.append(solid.sum())
        owner[solid] = index
        if rng.random() < HIDDEN:
            owner[_hide(rng, image, placement, sources)] = -1
    annotated = [
        _annotate(placement, float((owner == index).sum() / max(whole[index], 1)), size)
        for index, placement in enumerate(placed)
    ]
    return _photograph(rng, image), annotated


def _background(rng: np.random.Generator, photo: Floats, size: int) -> Floats:
    """A random square of the photograph, mirrored, turned upside down, dimmed."""
    side = int(min(photo.shape[:2]) * rng.uniform(0.6, 1))
    top, left = (rng.integers(length - side, endpoint=True) for length in photo.shape[:2])
    part = photo[top : top + side, left : left + side]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    part = part[::-1] if rng.random() < 0.3 else part
    shown = cv2.resize(part, (size, size), interpolation=cv2.INTER_AREA)
    tint = 1 + rng.normal(0, 0.08, 3)
    return np.clip(shown * (rng.uniform(0.5, 1.1) * tint), 0, 1).astype(np.float32)


def _look(rng: np.random.Generator, colour: tuple[float, float, float]) -> Look:
    def drawn(share: float, usual: float, extreme: float) -> float:
        changed = rng.random() < share
        return usual + (extreme - usual) * rng.random() if changed else usual

    tint = rng.normal(OBJECTS if rng.random() < UNTINTED else colour, TINT_SPREAD)
    return Look(
        angle=float(np.clip(rng.normal(0, MAX_ANGLE / 2), -MAX_ANGLE, MAX_ANGLE)),
        stretch=float(rng.uniform(0.88, 1.08)),
        tint=np.clip(tint, 0.3, 1.2).astype(np.float32),
        gain=drawn(DIM, 1.1, MIN_GAIN),
        contrast=drawn(FLAT, 1.0, MIN_CONTRAST),
        blending=float(rng.uniform(0, MAX_BLENDING)),
        blur=drawn(BLURRED, 0.0, MAX_BLUR),
        mirror=bool(rng.integers(2)),
    )


def _place(
    rng: np.random.Generator,
    size: int,
    heights: tuple[float, float],
    beside: Placement | None,
    look: Look,
) -> Placement:
    """A random height and place; beside another face, alike in height."""
    low, high = heights[0], max(heights[1] * size, heights[0] * 1.5)
    if beside is None:
        height = float(np.exp(rng.uniform(np.log(low), np.log(high))))
        x, y = rng.uniform(0.3 * height, size - 0.3 * height, 2)
    else:
        height = float(max(beside.height * rng.uniform(0.8, 1.25), low))
        side = rng.choice([-1, 1])
        x = beside.centre[0] + side * rng.uniform(0.5, 1.0) * height
        y = beside.centre[1] + rng.uniform(-0.4, 0.4) * height
        x, y = np.clip([x, y], 0.3 * height, size - 0.3 * height)
    return Placement((float(x), float(y)), height, look)


def _distractor(rng: np.random.Generator, sources: Sources) -> Floats:
    """A crop without a face: a real one, or the shuffled quarters of a face, some turned."""
    if rng.random() >= SCRAMBLED:
        return sources.distractors[rng.integers(len(sources.distractors))]
    face = sources.faces[rng.integers(len(sources.faces))][:24, :24]
    quarters = [np.rot90(part, int(rng.integers(1, 4))) for part in _quarters(face)]
    order = rng.permutation(4)
    rows = [np.hstack([quarters[i] for i in pair]) for pair in (order[:2], order[2:])]
    blurred: NDArray[Any] = cv2.GaussianBlur(np.vstack(rows), (0, 0), 0.7)
    return blurred


def _quarters(crop: Floats) -> list[Floats]:
    return [part for half in np.split(crop, 2) for part in np.split(half, 2, axis=1)]


def _hide(
    rng: np.random.Generator, image: Floats, placement: Placement, sources: Sources
) -> NDArray[np.bool_]:
    """Cover a side of the face, or a bar across it, in place.

    Returns:
        ``(H, W)`` mask of what is covered.
    """
    region = placement.region(*image.shape[:2])
    seen = image[region]
    u, v = placement.coordinates(region)
    turn = rng.uniform(0, 2 * np.pi)
    along = u * np.cos(turn) + v * np.sin(turn)
    part = rng.uniform(0.15, MAX_HIDDEN)
    if rng.random() < 0.6:
        depth = along - (1 - 2 * part)
    else:
        depth = part / 2 - np.abs(along - rng.uniform(-0.5, 0.5))
    softness = max(0.06, 2 / placement.height)
    alpha = np.clip(depth / softness + 0.5, 0, 1) * (np.hypot(u, v) < rng.uniform(1.05, 1.3))
    if rng.random() < 0.6:
        photo = sources.backgrounds[rng.integers(len(sources.backgrounds))][1]
        fill = _background(rng, photo, len(image))[region]
    else:
        fill = rng.uniform(0, 0.8) * np.clip(rng.normal(1, 0.15, 3), 0, 1.2).astype(np.float32)
    seen += alpha[..., None] * (fill - seen)
    mask = np.zeros(image.shape[:2], bool)
    mask[region] = alpha > 0.5
    return mask


def _annotate(placement: Placement, visible: float, size: int) -> DemoFace:
    look = placement.look
    left, top, right, bottom = np.rint(placement.box.clip(0, size)).astype(int).tolist()
    blur = look.blur / MAX_BLUR
    dim = (1.1 - look.gain) / (1.1 - MIN_GAIN)
    flat = (1 - look.contrast) / (1 - MIN_CONTRAST)
    hidden = min((1 - visible) / (1 - MIN_VISIBLE), 1)
    # Independent defects add up; one complete defect is enough to be as difficult as can be.
    clear = (1 - blur) * (1 - 0.6 * dim) * (1 - 0.7 * flat) * (1 - hidden)
    return DemoFace(
        box=(left, top, right - left, bottom - top),
        blur=int(blur > 0.2) + int(blur > 0.6),
        illumination=int(look.gain < 0.5),
        occlusion=int(visible < 0.95) + int(visible < 0.7),
        pose=int(abs(look.angle) > 20),
        invalid=int(visible < MIN_VISIBLE),
        difficulty=float(1 - clear),
    )


def _photograph(rng: np.random.Generator, image: NDArray[Any]) -> NDArray[np.uint8]:
    """What a poor camera makes of it: some blur, less colour, noise."""
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.0))
    if rng.random() < GREY_IMAGES:
        image = np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2)
    noise = rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(0, NOISE)
    return np.rint(np.clip(image + noise, 0, 1) * 255).astype(np.uint8)


def _iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    sides = np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0)
    inter = float(np.prod(sides))
    return inter / float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - inter)
