"""The test images with the most errors, from the samples that pass by."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from mmdet.structures import DetDataSample
from numpy.typing import NDArray

from mmbfbox.evaluation.wider.breakdown import worst_images
from mmbfbox.evaluation.wider.contact_sheet import draw_errors, write_contact_sheet
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.protocol import match_wider_face
from mmbfbox.evaluation.wider.report import SCORE
from mmbfbox.utils.images import DamagedImageError, read_image

Floats = NDArray[np.float64]


class ImageErrorsSheet:
    """Collects detections and faces of a test, and draws the images with the most errors.

    Errors are misses and false positives among faces above ten pixels in height, at half of the range of
    scores, by WIDER FACE's protocol. Samples without faces to compare with are passed over.
    """

    def __init__(self) -> None:
        self._paths: dict[str, str] = {}
        self._found: dict[str, Floats] = {}
        self._boxes: dict[str, Floats] = {}
        self._valid: dict[str, NDArray[np.bool_]] = {}

    def add(self, sample: DetDataSample) -> None:
        """Keep what is needed of one image."""
        if 'gt_boxes' not in sample or 'gt_valid' not in sample or 'unreadable' in sample:
            return
        name, found = str(sample.img_id), sample.pred_instances.cpu().numpy()
        boxes = _xywh(found.bboxes)
        self._paths[name] = sample.img_path
        self._found[name] = np.hstack((boxes, np.asarray(found.scores, np.float64)[:, None]))
        self._boxes[name] = _xywh(sample.gt_boxes)
        self._valid[name] = np.asarray(sample.gt_valid, dtype=bool).reshape(-1)

    def write(self, path: Path, number: int) -> None:
        """Write a contact sheet of ``number`` images at most; nothing where there is no error."""
        if not self._paths:
            return
        truth = WiderGroundTruth.from_boxes_by_size(self._boxes, self._valid)
        matches = match_wider_face(self._found, truth)
        cells = []
        for errors in worst_images(matches, truth, number, SCORE):
            name = truth.names[errors.image]
            try:
                image = read_image(self._paths[name])
            except DamagedImageError:
                continue
            rows, missed = self._found[name][:, :4], truth.boxes[errors.image][errors.missed]
            cells.append(draw_errors(image, missed, rows[errors.false], rows[errors.found], name))
        if cells:
            write_contact_sheet(path, cells)


def _xywh(boxes: Any) -> Floats:
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    return np.hstack((corners[:, :2], corners[:, 2:] - corners[:, :2]))
