"""What a detector found on a picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from mmbfbox.utils.drawing import corners

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]
_COLOUR = (60, 220, 60)


class Face(NamedTuple):
    """One face: its box in pixels of the picture, and its score from 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float
    score: float


@dataclass(frozen=True, repr=False)
class Faces:
    """Faces of a picture, best first.

    Attributes:
        boxes: ``(N, 4)`` float32, xyxy in pixels of the picture as the user sees it.
        scores: ``(N,)`` float32, from 0 to 1.
        height, width: of the picture, as the user sees it.
        name: path of the picture, or what it was given as.
        frame: number of the frame in a video or of a webcam, else None.
        rgb: whether :meth:`draw` and :meth:`crop` give RGB, as an array that was given as such and a PIL
            image; all else is BGR, as in OpenCV.
    """

    boxes: Floats
    scores: Floats
    height: int
    width: int
    name: str
    frame: int | None = None
    rgb: bool = False
    # Files are read again: many results need not hold as many pictures.
    read: Callable[[], Picture] = field(compare=False, kw_only=True)

    def __repr__(self) -> str:
        """How many there are and where; the arrays would fill the screen."""
        frame = '' if self.frame is None else f', frame {self.frame}'
        best = f', best score {self.scores[0]:.2f}' if len(self) else ''
        return f'Faces({len(self)} on {self.name}{frame}, {self.width}x{self.height}{best})'

    def __len__(self) -> int:
        """How many faces there are."""
        return len(self.boxes)

    def __getitem__(self, index: int) -> Face:
        """A face by its number; 0 is the best."""
        left, top, right, bottom = self.boxes[index].tolist()
        return Face(left, top, right, bottom, float(self.scores[index]))

    def __iter__(self) -> Iterator[Face]:
        """The faces, best first."""
        return (self[index] for index in range(len(self)))

    def draw(self, scores: bool = True, thickness: int | None = None) -> Picture:
        """A copy of the picture with the boxes in it.

        Args:
            scores: write each score above its box.
            thickness: of the lines in pixels; by default it grows with the picture.

        Raises:
            UserError: the file is not there any more.
        """
        drawn = self.read().copy()
        line = thickness or max(1, round(max(self.height, self.width) / 600))
        for face in self:
            (left, top), end = corners(drawn, face[:4])
            cv2.rectangle(drawn, (left, top), end, _COLOUR, line, cv2.LINE_AA)
            if scores:
                place = (left, max(top - 2 - line, 9 * line))
                cv2.putText(
                    drawn, f'{face.score:.2f}', place, cv2.FONT_HERSHEY_SIMPLEX, 0.35 * line,
                    _COLOUR, line, cv2.LINE_AA,
                )  # fmt: skip
        return self._ordered(drawn)

    def crop(self, margin: float = 0.0) -> list[Picture]:
        """A picture of each face, best first; the part beyond the border is left out.

        Args:
            margin: added on each side, as a part of the box's width and height.

        Raises:
            UserError: the file is not there any more.
        """
        picture = self._ordered(self.read())
        crops = []
        for left, top, right, bottom, _ in self:
            dx, dy = margin * (right - left), margin * (bottom - top)
            x = min(max(int(left - dx), 0), self.width - 1)
            y = min(max(int(top - dy), 0), self.height - 1)
            x2, y2 = max(int(np.ceil(right + dx)), x + 1), max(int(np.ceil(bottom + dy)), y + 1)
            crops.append(picture[y:y2, x:x2].copy())
        return crops

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; boxes to a thousandth of a pixel."""
        frame = {} if self.frame is None else {'frame': self.frame}
        return {
            'source': self.name,
            **frame,
            'width': self.width,
            'height': self.height,
            'faces': [
                {'box': [round(edge, 3) for edge in face[:4]], 'score': round(face.score, 6)}
                for face in self
            ],
        }

    def to_coco(self, image_id: int = 1, category_id: int = 1) -> list[dict[str, Any]]:
        """Results as COCO's tools read them, boxes as left, top, width, height.

        Args:
            image_id: the picture's number in the data set.
            category_id: number of the class of faces.
        """
        return [
            {
                'image_id': image_id,
                'category_id': category_id,
                'bbox': [round(v, 3) for v in (x, y, right - x, bottom - y)],
                'score': round(score, 6),
            }
            for x, y, right, bottom, score in self
        ]

    def _ordered(self, picture: Picture) -> Picture:
        return np.ascontiguousarray(picture[..., ::-1]) if self.rgb else picture
