"""The protocols as mmdet metrics: they collect detections and hand them to the plain functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from numpy.typing import ArrayLike, NDArray

from mmbfbox.errors import UserError
from mmbfbox.evaluation.wider_face import evaluate_wider_face
from mmbfbox.evaluation.wider_ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider_io import write_wider_predictions

Floats = NDArray[np.float64]
Sample = Mapping[str, Any]


def xyxy_to_xywh(boxes: ArrayLike) -> Floats:
    """``(N, 4)`` corners to left, top, width, height; w = x2 - x1, nothing is rounded."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    return np.hstack((corners[:, :2], corners[:, 2:] - corners[:, :2]))


def detections(sample: Sample) -> Floats:
    """``(N, 5)`` xywh pixels of the original image and score, from a predicted data sample."""
    instances = sample['pred_instances']
    boxes = xyxy_to_xywh(instances['bboxes'].detach().cpu().numpy())
    scores = instances['scores'].detach().cpu().numpy().astype(np.float64)
    return np.hstack((boxes, scores[:, None]))


@METRICS.register_module()
class WiderFaceMetric(BaseMetric):
    """WIDER FACE AP of the images that were seen, on the easy, medium and hard faces.

    Each data sample brings ``img_id``, which is ``event/name`` without suffix, and
    ``pred_instances`` with ``bboxes`` (xyxy pixels of the original image) and ``scores``.
    Scores are normalised over the images that were seen.

    Args:
        ground_truth: folder of the official mats. None takes the faces from the meta keys
            ``gt_boxes`` (``(G, 4)`` xyxy pixels of the original image) and ``gt_valid``
            (``(G,)`` bool) and makes the subsets by face height.
        out_dir: folder for the official prediction txt files; None writes nothing.
        integer: the integer arithmetic of the MATLAB program.
        collect_device: 'cpu' or 'gpu', see ``BaseMetric``.
        prefix: of the result keys.

    Raises:
        UserError: the ground truth cannot be read or lacks an image that was seen, or a sample
            lacks the two meta keys.
    """

    default_prefix = 'wider'

    def __init__(
        self,
        ground_truth: str | None = None,
        out_dir: str | None = None,
        integer: bool = False,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ground_truth = (
            None if ground_truth is None else WiderGroundTruth.from_mats(ground_truth)
        )
        self.out_dir = out_dir
        self.integer = integer

    def process(self, data_batch: object, data_samples: Sequence[Sample]) -> None:
        """Keep name, detections and, without mats, the faces of each image."""
        for sample in data_samples:
            result = {'name': sample['img_id'], 'detections': detections(sample)}
            if self.ground_truth is None:
                if 'gt_boxes' not in sample or 'gt_valid' not in sample:
                    raise UserError(
                        f'{sample["img_id"]} comes without the meta keys gt_boxes and gt_valid; '
                        'give ground_truth, or let the pipeline pack these keys'
                    )
                result['boxes'] = xyxy_to_xywh(sample['gt_boxes'])
                result['valid'] = np.asarray(sample['gt_valid'], dtype=bool).reshape(-1)
            self.results.append(result)

    def compute_metrics(self, results: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """AP as fractions under ``easy``, ``medium``, ``hard``; nan for a subset without faces."""
        predictions = {result['name']: result['detections'] for result in results}
        if self.ground_truth is None:
            faces = WiderGroundTruth.from_boxes_by_size(
                {result['name']: result['boxes'] for result in results},
                {result['name']: result['valid'] for result in results},
            )
        else:
            faces = self.ground_truth.select(predictions)
        if self.out_dir is not None:
            write_wider_predictions(self.out_dir, predictions)
        return evaluate_wider_face(predictions, faces, integer=self.integer).ap
