"""The registered metrics agree with the plain functions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData

import mmbfbox.evaluation.metrics  # noqa: F401
from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_eval.io import read_face_eval_detections
from mmbfbox.evaluation.fddb.io import (
    read_fddb_annotations,
    read_fddb_detections,
    read_fddb_sizes,
)
from mmbfbox.evaluation.fddb.protocol import evaluate_fddb
from mmbfbox.evaluation.wider.io import read_wider_predictions
from mmbfbox.evaluation.wider.protocol import WiderGroundTruth, evaluate_wider_face


def sample(name: str, rows: np.ndarray, **meta: object) -> dict:
    """A predicted data sample as the evaluator hands it to a metric; ``rows`` are xywh + score."""
    boxes = torch.from_numpy(np.hstack((rows[:, :2], rows[:, :2] + rows[:, 2:4])))
    predicted = InstanceData(bboxes=boxes, scores=torch.from_numpy(rows[:, 4]))
    return DetDataSample(metainfo={'img_id': name, **meta}, pred_instances=predicted).to_dict()


def test_wider_metric_by_size_equals_the_plain_function(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    metric = METRICS.build({'type': 'WiderFaceMetric', 'out_dir': str(tmp_path)})
    predictions, boxes, valid = {}, {}, {}
    for index in range(6):
        name = f'0--Parade/{index}'
        boxes[name] = np.round(rng.uniform(5, 80, (4, 4)))
        valid[name] = np.array([True, True, True, False])
        found = np.vstack((boxes[name] + rng.normal(0, 2, (4, 4)), rng.uniform(5, 80, (3, 4))))
        predictions[name] = np.hstack((found, rng.random((7, 1))))
        corners = np.hstack((boxes[name][:, :2], boxes[name][:, :2] + boxes[name][:, 2:]))
        metric.process(
            {},
            [sample(name, predictions[name], gt_boxes=corners, gt_valid=valid[name])],
        )
    truth = WiderGroundTruth.from_boxes_by_size(boxes, valid)
    expected = evaluate_wider_face(predictions, truth).ap
    assert metric.compute_metrics(metric.results) == pytest.approx(expected)
    written = metric.evaluate(6)
    assert written == pytest.approx({f'wider/{key}': value for key, value in expected.items()})
    assert len(read_wider_predictions(tmp_path)) == 6


def test_wider_metric_with_mats_judges_only_the_images_it_saw(shared_data: Path) -> None:
    folder = shared_data / 'wider_mini/ground_truth'
    truth = WiderGroundTruth.from_mats(folder)
    metric = METRICS.build({'type': 'WiderFaceMetric', 'ground_truth': str(folder)})
    for name, boxes in zip(truth.names[:3], truth.boxes[:3], strict=True):
        metric.process({}, [sample(name, np.hstack((boxes, np.ones((len(boxes), 1)))))])
    assert metric.compute_metrics(metric.results)['hard'] == 1.0


def test_wider_metric_says_which_keys_are_missing() -> None:
    metric = METRICS.build({'type': 'WiderFaceMetric'})
    with pytest.raises(UserError, match='gt_boxes'):
        metric.process({}, [sample('a/1', np.zeros((0, 5)))])


def test_predictions_are_kept_although_they_cannot_be_scored(
    shared_data: Path, tmp_path: Path
) -> None:
    """After hours of testing, a wrong path of the ground truth must not cost the detections."""
    mats, afw = str(shared_data / 'wider_mini/ground_truth'), str(shared_data / 'afw_pascal')
    rows = np.array([[1.0, 2, 30, 40, 0.5]])
    for number, (config, name, file) in enumerate(
        [
            (dict(type='WiderFaceMetric', ground_truth=mats), '0--New/a', '0--New/a.txt'),
            (
                dict(type='FddbMetric', ground_truth=str(shared_data / 'fddb')),
                '2099/a',
                'detections.txt',
            ),
            (
                dict(type='FaceEvalMetric', benchmark='afw', ground_truth=afw),
                'a',
                'detections.txt',
            ),
        ]
    ):
        out = tmp_path / str(number)
        metric = METRICS.build({**config, 'out_dir': str(out)})
        metric.process({}, [sample(name, rows, ori_shape=(90, 90))])
        with pytest.raises(UserError, match='ground truth|annotations'):
            metric.evaluate(1)
        assert '0.5' in (out / file).read_text()


def test_fddb_metric_equals_the_plain_function(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / 'fddb'
    faces = read_fddb_annotations(folder)
    sizes = read_fddb_sizes(folder, list(faces))
    found = read_fddb_detections(folder / 's3fd/fddb_s3fd_result.txt')
    names = list(faces)[:40]
    metric = METRICS.build(
        {'type': 'FddbMetric', 'ground_truth': str(folder), 'out_dir': str(tmp_path)}
    )
    for name in names:
        width, height = sizes[name]
        metric.process({}, [sample(name, found[name], ori_shape=(height, width))])
    curve = evaluate_fddb(found, {name: faces[name] for name in names}, sizes)
    assert metric.evaluate(len(names)) == {
        'fddb/discrete_tpr_at_1000': curve.discrete_tpr(1000),
        'fddb/continuous_tpr_at_1000': curve.continuous_tpr(1000),
        'fddb/faces': sum(len(faces[name]) for name in names),
    }
    written = read_fddb_detections(tmp_path / 'detections.txt')
    assert sum(map(len, written.values())) == sum(len(found[name]) for name in names)
    assert (tmp_path / 'DiscROC.txt').is_file()


def test_face_eval_metric_equals_the_plain_function(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / 'afw_pascal'
    found = read_face_eval_detections(folder / 'detections/AFW_DPM.txt')
    metric = METRICS.build(
        {
            'type': 'FaceEvalMetric',
            'benchmark': 'afw',
            'ground_truth': str(folder),
            'out_dir': str(tmp_path),
        }
    )
    for name, rows in found.items():
        boxes = np.hstack((rows[:, :2], rows[:, 2:4] - rows[:, :2], rows[:, 4:]))
        metric.process({}, [sample(name, boxes)])
    results = metric.evaluate(len(found))
    assert {key: round(100 * value, 2) for key, value in results.items()} == {
        'afw/ap': 97.21,
        'afw/ap_without_refinement': 92.04,
    }
    assert len(read_face_eval_detections(tmp_path / 'detections.txt')) == len(found)


def test_images_and_benchmarks_that_are_not_annotated_are_refused(shared_data: Path) -> None:
    folder = str(shared_data / 'afw_pascal')
    metric = METRICS.build({'type': 'FaceEvalMetric', 'benchmark': 'afw', 'ground_truth': folder})
    metric.process({}, [sample('elsewhere', np.zeros((0, 5)))])
    with pytest.raises(UserError, match='elsewhere'):
        metric.compute_metrics(metric.results)
    with pytest.raises(UserError, match='face-eval benchmark'):
        METRICS.build({'type': 'FaceEvalMetric', 'benchmark': 'x', 'ground_truth': folder})
