"""One small picture blended into an image as a soft ellipse: a face, or what is not a face."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

ELLIPSE = (0.41, 0.485)
"""Half axes of the face in a crop of ``lfw_subset``, in sides of the crop."""

EDGE = 0.22
"""Width of the blended edge, in half axes."""


@dataclass(frozen=True)
class Look:
    """How a crop is shown.

    Attributes:
        angle: rotation in degrees.
        stretch: width factor.
        tint: ``(3,)`` BGR factors.
        gain: factor of the brightness; below 1 is dim.
        contrast: factor of the differences from the mean grey.
        blending: 0..1, how far the mean grey moves to that of the surroundings.
        blur: standard deviation in heights of the face.
        mirror: left and right swapped.
    """

    angle: float
    stretch: float
    tint: Floats
    gain: float
    contrast: float
    blending: float
    blur: float
    mirror: bool


@dataclass(frozen=True)
class Placement:
    """A crop's ellipse in the image: ``centre`` xy and ``height`` in pixels, and its look."""

    centre: tuple[float, float]
    height: float
    look: Look

    @property
    def side(self) -> float:
        """Side of the whole crop in pixels."""
        return self.height / (2 * ELLIPSE[1])

    @property
    def box(self) -> NDArray[np.float64]:
        """``(4,)`` xyxy bounds of the rotated ellipse."""
        turn = np.deg2rad(self.look.angle)
        across, along = (self.side * axis for axis in ELLIPSE)
        across *= self.look.stretch
        half = np.hypot(
            [across * np.cos(turn), across * np.sin(turn)],
            [along * np.sin(turn), along * np.cos(turn)],
        )
        return np.concatenate([self.centre - half, self.centre + half])

    def matrix(self, crop_side: int) -> NDArray[np.float64]:
        """``(2, 3)`` affine map from crop to image pixels."""
        turn = np.deg2rad(self.look.angle)
        scale = self.side / crop_side
        rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        linear = rotation @ np.diag([scale * self.look.stretch, scale])
        shift = np.array(self.centre) - linear @ np.full(2, (crop_side - 1) / 2)
        return np.column_stack([linear, shift])

    def region(self, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of the image that the ellipse and its surroundings take up."""
        margin = 0.2 * self.height + 2
        left, top = np.floor(self.box[:2] - margin).astype(int)
        right, bottom = np.ceil(self.box[2:] + margin).astype(int)
        rows, columns = np.clip([top, bottom], 0, height), np.clip([left, right], 0, width)
        return slice(*rows.tolist()), slice(*columns.tolist())

    def coordinates(self, region: tuple[slice, slice]) -> tuple[Floats, Floats]:
        """Pixel positions of the region in half axes of the ellipse, across and along it."""
        turn = np.deg2rad(self.look.angle)
        rows, columns = region
        x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] - self.centre[0]
        y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - self.centre[1]
        across, along = (self.side * axis for axis in ELLIPSE)
        u = (x * np.cos(turn) + y * np.sin(turn)) / (across * self.look.stretch)
        v = (y * np.cos(turn) - x * np.sin(turn)) / along
        return u.astype(np.float32), v.astype(np.float32)

    def alpha(self, region: tuple[slice, slice]) -> Floats:
        """Opacity in the region, falling from 1 to 0 over the edge of the ellipse."""
        edge = max(EDGE, 3 / self.height)
        return np.clip((1 + edge / 2 - np.hypot(*self.coordinates(region))) / edge, 0, 1)


def paste(image: Floats, crop: Floats, placement: Placement) -> NDArray[np.bool_]:
    """Blend a grey ``(S, S)`` crop into ``image``, ``(H, W, 3)``, in place.

    Returns:
        ``(H, W)`` mask of the pixels that now show the crop.
    """
    look = placement.look
    region = placement.region(*image.shape[:2])
    seen = image[region]
    alpha = placement.alpha(region)
    # Pixels of the crop that one pixel of the image covers must be averaged before sampling.
    shrink = len(crop) / placement.side
    sigma = np.hypot(0.45 * max(shrink, 0.1), look.blur * len(crop))
    smooth = cv2.GaussianBlur(crop[:, ::-1] if look.mirror else crop, (0, 0), sigma)
    mean = float(smooth.mean())
    surroundings = float((seen.mean(axis=2) * alpha).sum() / max(alpha.sum(), 1e-6))
    grey = mean + look.contrast * (smooth - mean)
    grey = look.gain * grey + look.blending * (surroundings - look.gain * mean)
    matrix = placement.matrix(len(crop))
    matrix[:, 2] -= region[1].start, region[0].start
    shown = cv2.warpAffine(
        grey,
        matrix,
        (seen.shape[1], seen.shape[0]),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    seen += alpha[..., None] * (shown[..., None] * look.tint - seen)
    mask = np.zeros(image.shape[:2], bool)
    mask[region] = alpha > 0.5
    return mask
