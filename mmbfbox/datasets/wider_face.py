"""WIDER FACE from its official files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mmdet.registry import DATASETS
from mmengine.logging import print_log

from mmbfbox.datasets.face_dataset import FaceDataset
from mmbfbox.datasets.face_record import FaceRecord
from mmbfbox.datasets.image_folder import check_images, image_folder
from mmbfbox.datasets.split import split_names
from mmbfbox.datasets.wider_annotations import parse_wider_annotations, read_wider_file_list
from mmbfbox.errors import UserError
from mmbfbox.utils.images import DamagedImageError

OFFICIAL = 'wider_face_split'
INVALID_FACES = ('ignore', 'keep', 'drop')


@DATASETS.register_module()
class WiderFaceDataset(FaceDataset):
    """Images and faces of one ``wider_face_*_bbx_gt.txt``; the only class is ``face``.

    A sample has ``img_id`` (``event/file``), ``img_path`` and ``instances`` with xyxy boxes. In
    test mode it also has ``gt_boxes`` (``(G, 4)`` float32 xyxy pixels of the original image, every
    face with positive size) and ``gt_valid`` (``(G,)`` bool, not marked invalid), for scoring
    images that no official ``.mat`` covers. In test mode the annotation file may also be a list of
    images without faces, like ``wider_face_test_filelist.txt``.

    Names may also be paths of images in no folder, or in folders of folders; where the images are is
    found by their names (:func:`~mmbfbox.datasets.image_folder.image_folder`).

    In training the next image takes the place of a damaged one, a warning names it, and the sample's
    ``skipped`` is the tuple of the paths that it stands in for (empty for an ordinary sample). In a
    test it counts as an image without detections, see :class:`FaceDataset`; candidates are not scored
    or recalibrated on parts that have one.

    Args:
        invalid_faces: what training does with faces marked invalid: ``'ignore'`` (no loss there),
            ``'keep'`` as ordinary faces, or ``'drop'`` (background).
        part: ``None`` for all images, or ``'train'``, ``'held_out'``, ``'recalibration'``, see
            :func:`mmbfbox.datasets.split.split_names`.
        held_out: images kept from training, to score candidates with.
        recalibration: training images that BN is recalibrated with.
        split_seed: another seed gives another split.
        **kwargs: as in ``BaseDetDataset``; ``data_prefix`` has the key ``img``.

    Raises:
        UserError: annotations or images are missing or broken, or a key is out of range.
    """

    FORMAT = 'text file'

    def __init__(
        self,
        *args: Any,
        invalid_faces: str = 'ignore',
        part: str | None = None,
        held_out: int = 200,
        recalibration: int = 500,
        split_seed: int = 0,
        **kwargs: Any,
    ) -> None:
        if invalid_faces not in INVALID_FACES:
            raise UserError(
                f'invalid_faces is {invalid_faces!r}; set it to one of {", ".join(INVALID_FACES)}'
            )
        self.invalid_faces = invalid_faces
        self.part = part
        self.split = dict(held_out=held_out, recalibration=recalibration, seed=split_seed)
        super().__init__(*args, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Parse the annotations, check that the images are there, choose the part."""
        records = {record.name: record for record in self._records()}
        if self.part is not None:
            names = split_names(list(records), self.part, **self.split)
            records = {name: records[name] for name in names}
        if not records:
            raise UserError(
                f'{self.ann_file} leaves no image for dataset.part={self.part!r}; check the file, '
                'dataset.held_out and dataset.recalibration'
            )
        if self.test_mode:
            _check_ids(records.values(), self.ann_file)
        names = list(records)
        folder = image_folder(Path(self.data_prefix['img']), Path(self.ann_file), names)
        check_images(folder, names, self.ann_file)
        if OFFICIAL not in Path(self.ann_file).parts:
            self._tell(folder, list(records.values()))
        return [self._data_info(folder, record) for record in records.values()]

    def _records(self) -> list[FaceRecord]:
        names = read_wider_file_list(self.ann_file)
        if names is None:
            return parse_wider_annotations(self.ann_file)
        if not self.test_mode or self.part is not None:
            raise UserError(
                f'{self.ann_file} lists images without faces, which can only be tested on; give a '
                'wider_face_*_bbx_gt.txt'
            )
        return [FaceRecord.without_faces(name) for name in names]

    def _tell(self, folder: Path, records: list[FaceRecord]) -> None:
        """Say in one line what was found in a data set that is not the official one."""
        faces, ignored, dropped = (
            sum(numbers)
            for numbers in zip(*((len(r.boxes), r.invalid.sum(), r.dropped) for r in records))
        )
        left_out = f', {dropped} without size or outside of the picture left out' * bool(dropped)
        print_log(
            f'{self.FORMAT} {self.ann_file}: {len(records)} images in {folder}, {faces} faces, of which '
            f'{ignored} are marked as not usable{left_out}',
            logger='current',
        )

    def _data_info(self, folder: Path, record: FaceRecord) -> dict[str, Any]:
        ignore = record.invalid & (self.invalid_faces == 'ignore')
        drop = record.invalid & (self.invalid_faces == 'drop')
        info: dict[str, Any] = dict(
            img_id=record.image_id,
            img_path=str(folder / record.name),
            instances=[
                dict(bbox=box, bbox_label=0, ignore_flag=int(ignored))
                for box, ignored, dropped in zip(record.boxes.tolist(), ignore, drop, strict=True)
                if not dropped
            ],
        )
        if self.test_mode:
            info.update(gt_boxes=record.boxes, gt_valid=~record.invalid)
        return info

    def prepare_data(self, idx: int) -> Any:
        """Run the pipeline on image ``idx``, in training on the next readable one."""
        if self.test_mode:
            return (
                self.pipeline(self.get_data_info(idx)) if self.part else super().prepare_data(idx)
            )
        skipped: tuple[str, ...] = ()
        for step in range(min(len(self), self.max_refetch)):
            info = self.get_data_info((idx + step) % len(self))
            info['skipped'] = skipped
            try:
                return self.pipeline(info)
            except DamagedImageError as error:
                skipped += (info['img_path'],)
                self._report(info['img_path'], error, 'skipped')
        raise UserError(
            f'{len(skipped)} images in a row are damaged, the first is {skipped[0]}; '
            'unpack the data set again'
        )


def _check_ids(records: Iterable[FaceRecord], ann_file: str) -> None:
    """Detections are kept and written by the image's name without suffix."""
    names: dict[str, str] = {}
    for record in records:
        other = names.setdefault(record.image_id, record.name)
        if other != record.name:
            raise UserError(
                f'{ann_file} lists {other} and {record.name}, whose detections would have the same '
                f'name {record.image_id}; rename one of the two images'
            )
