"""Faces of one's own, from annotations in COCO's JSON."""

from __future__ import annotations

from typing import Any

from mmdet.registry import DATASETS

from mmbfbox.datasets.coco_annotations import read_coco_annotations
from mmbfbox.datasets.face_record import FaceRecord
from mmbfbox.datasets.wider_face import WiderFaceDataset
from mmbfbox.errors import UserError


@DATASETS.register_module()
class CocoFaceDataset(WiderFaceDataset):
    """Images and faces of one COCO JSON file, by the rules of :class:`WiderFaceDataset`.

    What is marked ``iscrowd`` or ``ignore`` is treated as WIDER's invalid faces are. A file that
    annotates nothing can only be tested on. What is read and refused:
    :func:`~mmbfbox.datasets.coco_annotations.read_coco_annotations`.

    Args:
        face_category: name of the category that is the face. By default the one that is called so, or
            the only one.
        **kwargs: as in :class:`WiderFaceDataset`.

    Raises:
        UserError: annotations or images are missing or broken, or a key is out of range.
    """

    FORMAT = 'COCO JSON'

    def __init__(self, *args: Any, face_category: str | None = None, **kwargs: Any) -> None:
        self.face_category = face_category
        super().__init__(*args, **kwargs)

    def _records(self) -> list[FaceRecord]:
        found = read_coco_annotations(self.ann_file, self.face_category)
        if not found.annotations and not (self.test_mode and self.part is None):
            raise UserError(
                f'{self.ann_file} has images and no annotations, so it can only be tested on; annotate its '
                'faces, or give another file'
            )
        return found.records
