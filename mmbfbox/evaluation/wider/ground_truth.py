"""Which faces the WIDER FACE protocol counts, from the official mats or by their height."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.io import loadmat

from mmbfbox.errors import UserError
from mmbfbox.evaluation.mat_structure import problem_of_mat

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SUBSETS = ('easy', 'medium', 'hard')
MIN_HEIGHT = {'easy': 50, 'medium': 30, 'hard': 10}
"""A valid face higher than this many original-image pixels belongs to the subset.

Against the official validation mats (39,708 faces) the rule decides 99.79 % (easy), 99.41 %
(medium) and 97.96 % (hard) of all faces alike, better than any other height or any sqrt(area).
It errs on one side: every face it keeps is kept officially; the 84, 236 and 810 faces that it
misses were taken in before the heights were rounded to whole pixels, nearly all at 50, 30 and 10.
"""


@dataclass(frozen=True)
class WiderGroundTruth:
    """The faces of some images, and which of them each subset counts.

    Attributes:
        names: ``event/name`` of each image, without suffix.
        boxes: per image all annotated faces, ``(G, 4)`` xywh pixels.
        keep: per subset and image a ``(G,)`` mask of the faces that count; the others are ignored.
    """

    names: tuple[str, ...]
    boxes: tuple[Floats, ...]
    keep: Mapping[str, tuple[Bools, ...]]

    def __post_init__(self) -> None:
        if tuple(self.keep) != SUBSETS:
            raise UserError(f'the subsets are {tuple(self.keep)}; {SUBSETS} are expected')
        if len(set(self.names)) != len(self.names):
            raise UserError('an image is twice in the ground truth; names must be unique')
        for masks in ((self.boxes), *self.keep.values()):
            if len(masks) != len(self.names):
                raise UserError(f'{len(self.names)} image names came with {len(masks)} arrays')
        for index, (name, boxes) in enumerate(zip(self.names, self.boxes, strict=True)):
            shapes = [self.keep[subset][index].shape for subset in SUBSETS]
            if boxes.shape != (len(boxes), 4) or shapes != [(len(boxes),)] * 3:
                raise UserError(
                    f'{name}: boxes {boxes.shape} and masks {shapes}; (G, 4) and (G,) are expected'
                )

    @classmethod
    def from_mats(cls, folder: str | Path) -> WiderGroundTruth:
        """Read ``wider_{face,easy,medium,hard}_val.mat`` of the official evaluation tools.

        Raises:
            UserError: a file is missing, is not a mat file, or does not belong to the others.
        """
        return cls(*_read_mats(Path(folder)))

    @classmethod
    def from_boxes(
        cls, boxes: Mapping[str, ArrayLike], keep: Mapping[str, Mapping[str, ArrayLike]]
    ) -> WiderGroundTruth:
        """Build from ``{image: (G, 4) xywh}`` and ``{subset: {image: (G,) bool}}``."""
        arrays = {
            name: np.asarray(values, dtype=np.float64).reshape(-1, 4)
            for name, values in boxes.items()
        }
        masks = {
            subset: tuple(np.asarray(keep[subset][name], dtype=bool).reshape(-1) for name in arrays)
            for subset in SUBSETS
        }
        return cls(tuple(arrays), tuple(arrays.values()), masks)

    @classmethod
    def from_boxes_by_size(
        cls, boxes: Mapping[str, ArrayLike], valid: Mapping[str, ArrayLike]
    ) -> WiderGroundTruth:
        """Subsets by face height, for images that have no official mats (see ``MIN_HEIGHT``).

        Args:
            boxes: ``{image: (G, 4) xywh}`` in pixels of the original image.
            valid: ``{image: (G,) bool}``, False where the annotation says "invalid".
        """
        arrays = {
            name: np.asarray(values, dtype=np.float64).reshape(-1, 4)
            for name, values in boxes.items()
        }
        keep = {
            subset: {
                name: np.asarray(valid[name], dtype=bool).reshape(-1) & (array[:, 3] > height)
                for name, array in arrays.items()
            }
            for subset, height in MIN_HEIGHT.items()
        }
        return cls.from_boxes(arrays, keep)

    def select(self, names: Iterable[str]) -> WiderGroundTruth:
        """The ground truth of these images only, in this order.

        Raises:
            UserError: an image is not in the ground truth.
        """
        index = {name: position for position, name in enumerate(self.names)}
        names = tuple(names)
        missing = [name for name in names if name not in index]
        if missing:
            raise UserError(
                f'{len(missing)} images are not in the ground truth, the first is {missing[0]}; '
                "names are 'event/name' without suffix"
            )
        rows = [index[name] for name in names]
        return WiderGroundTruth(
            names,
            tuple(self.boxes[row] for row in rows),
            {subset: tuple(masks[row] for row in rows) for subset, masks in self.keep.items()},
        )


def load_mat(path: Path, variables: list[str]) -> dict[str, Any]:
    """Load these variables of a mat file.

    Raises:
        UserError: the file is missing, is no mat file, is damaged, or lacks a variable.
    """
    if not path.is_file():
        raise UserError(f'{path} is missing; give the folder that holds the official mat files')
    try:
        data = path.read_bytes()
        problem = problem_of_mat(data)
        if problem:
            raise ValueError(problem)
        content = loadmat(io.BytesIO(data), variable_names=variables)
    except Exception as error:  # scipy raises a dozen unrelated types on a damaged file
        raise UserError(
            f'{path} is not a readable mat file ({error}); download it again'
        ) from error
    for name in variables:
        if name not in content:
            raise UserError(f'{path} has no variable {name}; it is another mat file')
    return dict(content)


def _read_mats(
    folder: Path,
) -> tuple[tuple[str, ...], tuple[Floats, ...], dict[str, tuple[Bools, ...]]]:
    """Image names, boxes and keep masks from ``wider_{face,easy,medium,hard}_val.mat``."""
    path = folder / 'wider_face_val.mat'
    faces = load_mat(path, ['event_list', 'file_list', 'face_bbx_list'])
    try:
        names = _image_names(faces)
        boxes = tuple(
            np.asarray(cell[0], dtype=np.float64).reshape(-1, 4)
            for event in faces['face_bbx_list'][:, 0]
            for cell in event
        )
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise UserError(f'{path} is not laid out like the official file: {error}') from error
    if len(boxes) != len(names):
        raise UserError(f'{path} does not hold one box list for each of its {len(names)} images')

    keep: dict[str, tuple[Bools, ...]] = {}
    for subset in ('easy', 'medium', 'hard'):
        path = folder / f'wider_{subset}_val.mat'
        content = load_mat(path, ['event_list', 'file_list', 'gt_list'])
        try:
            cells = [cell[0] for event in content['gt_list'][:, 0] for cell in event]
            if _image_names(content) != names or len(cells) != len(names):
                raise ValueError('its images are not those of wider_face_val.mat')
            keep[subset] = tuple(
                _mask(cell, len(box)) for cell, box in zip(cells, boxes, strict=True)
            )
        except (AttributeError, IndexError, TypeError, ValueError) as error:
            raise UserError(f'{path} does not belong to the other mats: {error}') from error
    return names, boxes, keep


def _image_names(content: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(
        f'{event[0][0]}/{cell[0][0]}'
        for event, files in zip(content['event_list'], content['file_list'], strict=True)
        for cell in files[0]
    )


def _mask(indices: NDArray[Any], size: int) -> Bools:
    """Mask of ``size`` from the indices of a mat, which count from one."""
    rows = np.asarray(indices, dtype=np.int64).reshape(-1) - 1
    if len(rows) and (rows.min() < 0 or rows.max() >= size):
        raise ValueError(f'face {rows.max() + 1} of an image with {size} faces')
    mask = np.zeros(size, dtype=bool)
    mask[rows] = True
    return mask
