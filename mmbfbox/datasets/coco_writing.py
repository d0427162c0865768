"""Faces as annotations in COCO's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmbfbox.datasets.face_record import FaceRecord
from mmbfbox.utils.files import atomic_write


def write_coco_annotations(
    path: str | Path, records: Sequence[FaceRecord], sizes: Mapping[str, tuple[int, int]]
) -> None:
    """Write a file that :func:`~mmbfbox.datasets.coco_annotations.read_coco_annotations` and mmdet read.

    Faces marked invalid have ``iscrowd``, by which COCO's tools ignore what is found there.

    Args:
        path: the file.
        records: of all images.
        sizes: width and height in pixels of each image, by name.
    """
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, record in enumerate(records, 1):
        width, height = sizes[record.name]
        images.append(dict(id=number, file_name=record.name, width=width, height=height))
        for (left, top, right, bottom), invalid in zip(
            record.boxes.tolist(), record.invalid.tolist(), strict=True
        ):
            wide, high = right - left, bottom - top
            annotations.append(
                dict(
                    id=len(annotations) + 1,
                    image_id=number,
                    category_id=1,
                    bbox=[left, top, wide, high],
                    area=wide * high,
                    iscrowd=int(invalid),
                )
            )
    content = dict(
        images=images, annotations=annotations, categories=[dict(id=1, name='face')]
    )  # fmt: skip
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(content))
