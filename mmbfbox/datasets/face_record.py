"""What annotations say of one image, in whatever file they stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ATTRIBUTES = ('blur', 'expression', 'illumination', 'invalid', 'occlusion', 'pose')


@dataclass(frozen=True)
class FaceRecord:
    """The faces of one image.

    Attributes:
        name: ``event/file.jpg``, below the folder of the images.
        boxes: ``(G, 4)`` float32 xyxy pixels, all with positive width and height.
        attributes: ``(G, 6)`` int8, columns as in :data:`ATTRIBUTES`.
        dropped: annotated boxes that are not in ``boxes``: without positive width and height, or
            outside of the picture.
    """

    name: str
    boxes: NDArray[np.float32]
    attributes: NDArray[np.int8]
    dropped: int

    @classmethod
    def without_faces(cls, name: str) -> FaceRecord:
        """The record of an image of which no face is known."""
        return cls(name, np.zeros((0, 4), np.float32), np.zeros((0, len(ATTRIBUTES)), np.int8), 0)

    @property
    def image_id(self) -> str:
        """``event/file`` without the suffix."""
        return self.name.rsplit('.', 1)[0]

    @property
    def invalid(self) -> NDArray[np.bool_]:
        """``(G,)``: the annotators marked the face as not usable."""
        return self.attributes[:, ATTRIBUTES.index('invalid')] != 0
