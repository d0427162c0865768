"""Pictures of detections on a few test images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmdet.registry import HOOKS
from mmdet.structures import DetDataSample
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.typing import NDArray

from mmbfbox.engine.hooks.image_errors import ImageErrorsSheet
from mmbfbox.utils.drawing import corners
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.images import fit, read_image

_FOUND = (60, 220, 60)
_LONG_SIDE = 480


@HOOKS.register_module()
class DetectionPicturesHook(Hook):
    """Draw what was detected on evenly spread test images, and all of them on one sheet.

    Of images that come with their faces, those with the most errors are drawn on another one; of a test in
    several processes, those that the first one has seen.

    Args:
        out_dir: where the pictures go; ``detections.png`` and ``worst_images.jpg`` are the sheets.
        number: how many images on a sheet. Defaults to 9.
        score: detections below this score are not drawn. Defaults to 0.5.
    """

    def __init__(self, out_dir: str, number: int = 9, score: float = 0.5) -> None:
        self.out_dir = Path(out_dir)
        self.number = number
        self.score = score
        self._pictures: list[NDArray[np.uint8]] = []
        self._errors = ImageErrorsSheet()

    def after_test_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Sequence[DetDataSample] | None = None,
    ) -> None:
        """Draw the first image of a batch, now and then."""
        for one in outputs or () if is_main_process() else ():
            self._errors.add(one)
        step = max(1, len(runner.test_dataloader) // self.number)
        if batch_idx % step or len(self._pictures) >= self.number or not outputs:
            return
        sample = outputs[0]
        if 'unreadable' in sample:
            return
        picture = draw_detections(sample, self.score)
        name = str(sample.img_id).replace('/', '_')
        with atomic_write(self.out_dir / f'{name}.jpg') as path:
            cv2.imwrite(str(path), picture)
        self._pictures.append(picture)

    def after_test(self, runner: Runner) -> None:
        """Write the sheets."""
        if is_main_process():
            self._errors.write(self.out_dir / 'worst_images.jpg', self.number)
        if self._pictures:
            with atomic_write(self.out_dir / 'detections.png') as path:
                cv2.imwrite(str(path), sheet(self._pictures))


def draw_detections(sample: DetDataSample, score: float) -> NDArray[np.uint8]:
    """The image ``(H, W, 3)`` BGR of a sample with its detections above ``score``."""
    image, zoom = fit(read_image(sample.img_path), _LONG_SIDE, _LONG_SIDE)
    found = sample.pred_instances.cpu().numpy()
    for box, value in zip(found.bboxes, found.scores, strict=True):
        if value < score:
            continue
        (left, top), end = corners(image, box * zoom)
        cv2.rectangle(image, (left, top), end, _FOUND, 1, cv2.LINE_AA)
        label = f'{value:.2f}'
        place = (left, max(top - 3, 9))
        cv2.putText(image, label, place, cv2.FONT_HERSHEY_SIMPLEX, 0.32, _FOUND, 1, cv2.LINE_AA)
    return image


def sheet(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """All pictures on one, in rows; smaller ones are centred in their cell."""
    columns = int(np.ceil(np.sqrt(len(pictures))))
    rows = -(-len(pictures) // columns)
    height = max(picture.shape[0] for picture in pictures)
    width = max(picture.shape[1] for picture in pictures)
    canvas = np.full((rows * height, columns * width, 3), 32, np.uint8)
    for index, picture in enumerate(pictures):
        top = index // columns * height + (height - picture.shape[0]) // 2
        left = index % columns * width + (width - picture.shape[1]) // 2
        canvas[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return canvas
