"""What an exported file finds on a folder in WIDER FACE's layout."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmcv.ops import batched_nms
from numpy.typing import NDArray

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.datasets.face_record import FaceRecord
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.evaluation.metrics import xyxy_to_xywh
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.protocol import evaluate_wider_face
from mmbfbox.export.onnx.layouts import LAYOUTS
from mmbfbox.export.onnx.pictures import canvas
from mmbfbox.export.onnx.prepare import INPUT
from mmbfbox.export.onnx.sessions import Run
from mmbfbox.utils.images import read_image
from mmbfbox.utils.placement import Size

Array = NDArray[Any]

ANNOTATIONS = 'wider_face_split/wider_face_val_bbx_gt.txt'


def detect(run: Run, meta: OnnxMeta, picture: Array, size: Size) -> Array:
    """Faces of a picture.

    Args:
        run: runs a file.
        meta: its metadata.
        picture: ``(H, W, 3)`` uint8 BGR.
        size: longer side of what the graph sees, or height and width to fit into.

    Returns:
        ``(M, 5)`` xyxy pixels of the picture and score.
    """
    layout = LAYOUTS[meta.layout]
    pixels, placement = canvas(picture, size, meta.strides[-1], meta.mean)
    outputs = run({INPUT: layout.image(pixels)})
    found = layout.boxes(outputs, meta.strides, placement.outer)
    scores = torch.from_numpy(found[0][0])
    boxes = torch.from_numpy(placement.to_picture(found[1][0]))
    likely = scores > meta.score_threshold
    kept, _ = batched_nms(
        boxes[likely], scores[likely], torch.zeros(int(likely.sum())),
        dict(type='nms', iou_threshold=meta.nms_iou),
    )  # fmt: skip
    rows: Array = kept[: meta.max_faces].numpy()
    return rows


def wider_ap(
    runs: Mapping[str, Run], meta: OnnxMeta, folder: str | Path, size: Size
) -> dict[str, dict[str, float]]:
    """AP of the easy, medium and hard faces of the validation images, for several files at once.

    Args:
        runs: the files by name; all have the same metadata.
        meta: that metadata.
        folder: has ``wider_face_split``, ``WIDER_val/images`` and perhaps ``ground_truth``; without the
            latter the subsets are made by the height of the faces.
        size: longer side of what the graphs see, or height and width to fit into.

    Returns:
        For each file AP as fractions under ``easy``, ``medium``, ``hard``.

    Raises:
        UserError: the folder has no such files, or an image cannot be read.
    """
    root = Path(folder)
    records = parse_wider_annotations(root / ANNOTATIONS)
    predictions: dict[str, dict[str, Array]] = {name: {} for name in runs}
    for record in records:
        picture = read_image(root / 'WIDER_val' / 'images' / record.name)
        for name, run in runs.items():
            rows = detect(run, meta, picture, size).astype(np.float64)
            predictions[name][record.image_id] = np.hstack((xyxy_to_xywh(rows[:, :4]), rows[:, 4:]))
    truth = _ground_truth(root, records)
    return {name: evaluate_wider_face(found, truth).ap for name, found in predictions.items()}


def _ground_truth(root: Path, records: list[FaceRecord]) -> WiderGroundTruth:
    if (root / 'ground_truth').is_dir():
        return WiderGroundTruth.from_mats(root / 'ground_truth').select(r.image_id for r in records)
    return WiderGroundTruth.from_boxes_by_size(
        {record.image_id: xyxy_to_xywh(record.boxes) for record in records},
        {record.image_id: ~record.invalid for record in records},
    )
