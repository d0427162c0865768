"""The protocols as mmdet metrics: they collect detections and hand them to the plain functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from numpy.typing import ArrayLike, NDArray

from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_eval import io as face_eval_io
from mmbfbox.evaluation.face_eval.protocol import evaluate_face_eval
from mmbfbox.evaluation.fddb import io as fddb_io
from mmbfbox.evaluation.fddb.protocol import evaluate_fddb
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.io import write_wider_predictions
from mmbfbox.evaluation.wider.noise import ap_with_noise
from mmbfbox.evaluation.wider.protocol import evaluate_wider_face

Floats = NDArray[np.float64]
Sample = Mapping[str, Any]
Result = dict[str, Any]


def xyxy_to_xywh(boxes: ArrayLike) -> Floats:
    """``(N, 4)`` corners to left, top, width, height; w = x2 - x1, nothing is rounded."""
    corners = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    return np.hstack((corners[:, :2], corners[:, 2:] - corners[:, :2]))


class _FaceMetric(BaseMetric):
    """Collects name and detections (``(N, 5)`` xyxy pixels and score) of each image.

    Each data sample brings ``img_id``, the image's name without suffix, and ``pred_instances``
    with ``bboxes`` (xyxy pixels of the original image) and ``scores``.
    """

    results: list[Result]

    def process(self, data_batch: object, data_samples: Sequence[Sample]) -> None:
        """Keep what :meth:`_collect` takes from each sample."""
        self.results.extend(self._collect(sample) for sample in data_samples)

    def _collect(self, sample: Sample) -> Result:
        if not isinstance(sample['img_id'], str):
            raise UserError(
                f'{type(self).__name__} needs the names of the images, and the data set only numbers them '
                f'(img_id {sample["img_id"]!r}), as those of COCO JSON do; test with CocoMetric, or take '
                'WiderFaceDataset'
            )
        instances = sample['pred_instances']
        boxes = np.asarray(instances['bboxes'].detach().cpu().numpy(), dtype=np.float64)
        scores = np.asarray(instances['scores'].detach().cpu().numpy(), dtype=np.float64)
        if 'unreadable' in sample:  # nothing can be found on an image that was not there
            boxes, scores = boxes[:0], scores[:0]
        return {
            'name': sample['img_id'],
            'detections': np.hstack((boxes.reshape(-1, 4), scores[:, None])),
        }


def _by_name(results: Sequence[Result], key: str) -> dict[str, Any]:
    return {result['name']: result[key] for result in results}


def _as_xywh(results: Sequence[Result]) -> dict[str, Floats]:
    return {
        name: np.hstack((xyxy_to_xywh(rows[:, :4]), rows[:, 4:]))
        for name, rows in _by_name(results, 'detections').items()
    }


def _check_known(names: Sequence[str], annotated: Mapping[str, Any], folder: str) -> None:
    unknown = [name for name in names if name not in annotated]
    if unknown:
        raise UserError(f'{unknown[0]} is not in the annotations of {folder}; check both paths')


@METRICS.register_module()
class WiderFaceMetric(_FaceMetric):
    """WIDER FACE AP of the images that were seen, on the easy, medium and hard faces.

    Names are ``event/name``. Scores are normalised over the images that were seen.

    Args:
        ground_truth: folder of the official mats. None takes the faces from the meta keys
            ``gt_boxes`` (``(G, 4)`` xyxy pixels of the original image) and ``gt_valid``
            (``(G,)`` bool) and makes the subsets by face height.
        out_dir: folder for the official prediction txt files; None writes nothing.
        integer: the integer arithmetic of the MATLAB program.
        resamples: with 1 or more, the results have the mean of the three APs, too, and the noise of all
            four: AP on each half of the images, and the standard error by so many resamples of them.
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
        resamples: int = 0,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.resamples = resamples
        self.ground_truth = (
            None if ground_truth is None else WiderGroundTruth.from_mats(ground_truth)
        )
        self.out_dir = out_dir
        self.integer = integer

    def _collect(self, sample: Sample) -> Result:
        result = super()._collect(sample)
        if self.ground_truth is None:
            if 'gt_boxes' not in sample or 'gt_valid' not in sample:
                raise UserError(
                    f'{sample["img_id"]} comes without the meta keys gt_boxes and gt_valid; '
                    'give ground_truth, or a WiderFaceDataset whose pipeline packs these keys'
                )
            result['boxes'] = xyxy_to_xywh(sample['gt_boxes'])
            result['valid'] = np.asarray(sample['gt_valid'], dtype=bool).reshape(-1)
        return result

    def compute_metrics(self, results: Sequence[Result]) -> dict[str, float]:
        """AP as fractions under ``easy``, ``medium``, ``hard``; nan for a subset without faces."""
        predictions = _as_xywh(results)
        # Before the scores: what was found must not be lost if it cannot be scored.
        if self.out_dir is not None:
            write_wider_predictions(self.out_dir, predictions)
        if self.ground_truth is None:
            faces = WiderGroundTruth.from_boxes_by_size(
                _by_name(results, 'boxes'), _by_name(results, 'valid')
            )
        else:
            faces = self.ground_truth.select(predictions)
        if self.resamples:
            return ap_with_noise(predictions, faces, self.resamples, self.integer)
        return evaluate_wider_face(predictions, faces, integer=self.integer).ap


@METRICS.register_module()
class FddbMetric(_FaceMetric):
    """FDDB rates at 1000 false positives, over the images that were seen.

    Names are those of the fold files. Boxes are drawn as rectangles. Samples also bring
    ``ori_shape``, height and width of the original image.

    Args:
        ground_truth: folder of ``FDDB-folds``.
        annotations: another ellipse list in place of the folds.
        out_dir: folder for ``detections.txt`` and both curves; None writes nothing.
        collect_device: 'cpu' or 'gpu', see ``BaseMetric``.
        prefix: of the result keys.

    Raises:
        UserError: the annotations cannot be read or lack an image that was seen.
    """

    default_prefix = 'fddb'

    def __init__(
        self,
        ground_truth: str,
        annotations: str | None = None,
        out_dir: str | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=prefix)
        self.ground_truth = ground_truth
        self.faces = fddb_io.read_fddb_annotations(
            Path(ground_truth), None if annotations is None else Path(annotations)
        )
        self.out_dir = out_dir

    def _collect(self, sample: Sample) -> Result:
        height, width = sample['ori_shape'][:2]
        return {**super()._collect(sample), 'size': (int(width), int(height))}

    def compute_metrics(self, results: Sequence[Result]) -> dict[str, float]:
        """``discrete_tpr_at_1000``, ``continuous_tpr_at_1000`` as fractions, and ``faces``."""
        detections = _as_xywh(results)
        if self.out_dir is not None:
            fddb_io.write_fddb_detections(Path(self.out_dir) / 'detections.txt', detections)
        _check_known(list(detections), self.faces, self.ground_truth)
        faces = {name: self.faces[name] for name in detections}
        curve = evaluate_fddb(detections, faces, _by_name(results, 'size'))
        if self.out_dir is not None:
            fddb_io.write_fddb_curves(self.out_dir, curve)
        return {
            'discrete_tpr_at_1000': curve.discrete_tpr(1000),
            'continuous_tpr_at_1000': curve.continuous_tpr(1000),
            'faces': curve.faces,
        }


@METRICS.register_module()
class FaceEvalMetric(_FaceMetric):
    """AP on AFW or PASCAL Face by the face-eval protocol, over the images that were seen.

    Args:
        benchmark: ``afw`` or ``pascal``, also the prefix of the result keys.
        ground_truth: folder of the annotation mat.
        out_dir: folder for ``detections.txt``; None writes nothing.
        collect_device: 'cpu' or 'gpu', see ``BaseMetric``.

    Raises:
        UserError: the benchmark is another one, or the annotations cannot be read or lack an
            image that was seen.
    """

    def __init__(
        self,
        benchmark: str,
        ground_truth: str,
        out_dir: str | None = None,
        collect_device: str = 'cpu',
    ) -> None:
        super().__init__(collect_device=collect_device, prefix=benchmark)
        self.ground_truth = ground_truth
        self.faces, self.flags = face_eval_io.read_face_eval_annotations(ground_truth, benchmark)
        self.out_dir = out_dir

    def compute_metrics(self, results: Sequence[Result]) -> dict[str, float]:
        """``ap`` after five rounds of refinement and ``ap_without_refinement``, fractions."""
        found: dict[str, Floats] = _by_name(results, 'detections')
        if self.out_dir is not None:
            path = Path(self.out_dir) / 'detections.txt'
            face_eval_io.write_face_eval_detections(path, found)
        _check_known(list(found), self.faces, self.ground_truth)
        faces = {name: self.faces[name] for name in found}
        result = evaluate_face_eval(found, faces, {name: self.flags[name] for name in found})
        return {'ap': result.ap, 'ap_without_refinement': result.ap_without_refinement}
