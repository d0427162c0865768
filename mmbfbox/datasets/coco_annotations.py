"""Faces from annotations in COCO's JSON."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from mmbfbox.datasets.coco_category import face_category_ids
from mmbfbox.datasets.face_record import ATTRIBUTES, FaceRecord
from mmbfbox.errors import UserError
from mmbfbox.utils.text import read_text

_LARGEST = 1e6
_INVALID = ATTRIBUTES.index('invalid')
Entry = Mapping[str, Any]


@dataclass(frozen=True)
class CocoFaces:
    """What a file in COCO's JSON says of faces.

    Attributes:
        records: of all images, in the order of the file; faces with ``iscrowd`` or ``ignore`` are invalid.
        sizes: width and height in pixels of the images whose entry says so, by name.
        annotations: how many the file has, of whatever category.
    """

    records: list[FaceRecord]
    sizes: dict[str, tuple[int, int]]
    annotations: int


def read_coco_annotations(path: str | Path, face_category: str | None = None) -> CocoFaces:
    """Read ``images``, ``annotations`` and ``categories``, as mmdet's ``CocoDataset`` does.

    Ids only link entries: whole numbers of any sign or texts. Masks are not looked at. A box without
    positive width and height, or wholly outside of its picture, is dropped and counted; others stay as they
    are.

    Args:
        path: the file.
        face_category: name of the category that is the face. By default the one that is called so, or
            the only one.

    Raises:
        UserError: the file is missing or something else, an entry lacks what it needs, two images have
            one id or name, an annotation belongs to no image, boxes are fractions, or it is not clear
            which category is the face.
    """
    content = _content(Path(path))
    images, annotations = (_entries(path, content, key) for key in ('images', 'annotations'))
    if not images:
        raise UserError(f'{path} has no images; give a file whose list "images" names them')
    faces = face_category_ids(path, content, annotations, face_category)
    names: dict[Any, str] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for place, image in enumerate(images):
        _add_image(f'{path}, entry {place} of images', image, names, sizes)
    twice, times = Counter(names.values()).most_common(1)[0]
    if times > 1:
        raise UserError(f'{path} lists the image {twice!r} twice; leave one entry for each image')
    boxes = defaultdict(list)
    for place, annotation in enumerate(annotations):
        if annotation.get('category_id') not in faces:
            continue
        where = f'{path}, entry {place} of annotations'
        name = names.get(_id(where, annotation, 'image_id'))
        if name is None:
            raise UserError(
                f'{where}: no image has the id {annotation["image_id"]!r}; let image_id be the id of an '
                'image, a number or a text in both places'
            )
        ignored = bool(annotation.get('iscrowd')) or bool(annotation.get('ignore'))
        boxes[name].append((*_box(where, annotation), ignored))
    _refuse_fractions(path, boxes)
    records = [_record(name, boxes.get(name, []), sizes.get(name)) for name in names.values()]
    return CocoFaces(records, sizes, len(annotations))


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(read_text(path))
    except UserError as error:
        raise UserError(f'cannot read the annotations {path} ({error})') from error
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is not valid JSON ({error}); write it again') from error
    if not isinstance(content, dict):
        raise UserError(
            f'{path} holds a JSON {type(content).__name__}, expected an object with "images", '
            '"annotations" and "categories"; give annotations, not results'
        )
    return content


def _entries(path: str | Path, content: Mapping[str, Any], key: str) -> list[Entry]:
    entries = content.get(key)
    entries = [] if entries is None else entries
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise UserError(f'{path}: "{key}" is not a list of objects; write it as COCO does')
    return entries


def _add_image(
    where: str, image: Entry, names: dict[Any, str], sizes: dict[str, tuple[int, int]]
) -> None:
    name = image.get('file_name')
    if not isinstance(name, str) or not name or '\\' in name or name.startswith('/'):
        raise UserError(
            f'{where}: file_name is {name!r}, expected a path below the folder of the images, divided by /'
        )
    path = PurePosixPath(name)
    if '..' in path.parts or not path.suffix:
        raise UserError(f'{where}: file_name is {name!r}, expected the name of an image')
    key = _id(where, image, 'id')
    if key in names:
        raise UserError(
            f'{where}: the image before, {names[key]!r}, has the id {key!r}, too; use each once'
        )
    names[key] = str(path)
    size = image.get('width'), image.get('height')
    if all(isinstance(side, int) and 0 < side <= _LARGEST for side in size):
        sizes[names[key]] = size  # type: ignore[assignment]


def _id(where: str, entry: Entry, key: str) -> int | str:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise UserError(f'{where}: {key} is {value!r}, expected a whole number or a text')
    return value


def _box(where: str, annotation: Entry) -> Sequence[float]:
    box = annotation.get('bbox')
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_pixels, box)):
        raise UserError(
            f'{where}: bbox is {repr(box)[:60]}, expected left, top, width and height in pixels'
        )
    return box


def _is_pixels(number: object) -> bool:
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    return is_number and math.isfinite(number) and abs(number) <= _LARGEST  # type: ignore[arg-type]


def _refuse_fractions(path: str | Path, boxes: Mapping[str, list[tuple[Any, ...]]]) -> None:
    """Boxes of some exporters are relative to the picture, and would all be too small to be seen."""
    ends = [max(x + w, y + h) for rows in boxes.values() for x, y, w, h, _ in rows]
    if ends and max(ends) <= 1:
        raise UserError(
            f'{path}: all boxes end within the first pixel, so they are fractions of the picture; '
            'multiply them by its width and height'
        )


def _record(name: str, rows: list[tuple[Any, ...]], size: tuple[int, int] | None) -> FaceRecord:
    if not rows:
        return FaceRecord.without_faces(name)
    numbers = np.array(rows, dtype=np.float64)
    boxes = numbers[:, :4].astype(np.float32)
    boxes[:, 2:] += boxes[:, :2]
    kept = (numbers[:, 2] > 0) & (numbers[:, 3] > 0) & (boxes[:, 2:] > 0).all(1)
    if size is not None:
        kept &= (boxes[:, :2] < size).all(1)
    attributes = np.zeros((len(rows), len(ATTRIBUTES)), np.int8)
    attributes[:, _INVALID] = numbers[:, 4]
    return FaceRecord(name, boxes[kept], attributes[kept], int((~kept).sum()))
