"""Detections and AP of each pyramid level alone."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from mmdet.registry import METRICS, MODELS
from mmengine import Config

import mmbfbox.evaluation.metrics  # noqa: F401
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.errors import UserError
from mmbfbox.inference import PerLevelDetector
from mmbfbox.inference.report import level_table
from mmbfbox.inference.settings import use_levels
from mmbfbox.utils.quiet import build_quietly
from tests.fixtures_models import light_model
from tests.inference.images import batch, found


@pytest.fixture
def image() -> dict:
    pixels = np.random.default_rng(5).integers(0, 255, (128, 128, 3), dtype=np.uint8)
    sample = batch(pixels)
    boxes = np.array([[10, 10, 40, 40], [60, 60, 120, 120]], np.float32)
    meta = dict(img_id='0--Parade/a', gt_boxes=boxes, gt_valid=np.array([True, True]))
    sample['data_samples'][0].set_metainfo(meta)
    return sample


def test_a_level_reports_what_a_detector_with_only_this_level_would(supernet, image):
    with torch.no_grad():
        (sample,) = PerLevelDetector(supernet).test_step(copy.deepcopy(image))
        (plain,) = supernet.test_step(copy.deepcopy(image))
        np.testing.assert_array_equal(found(sample), found(plain))
        assert len(sample.level_instances) == 6
        assert sum(map(len, sample.level_instances)) >= len(found(plain)) > 0
        for level, instances in enumerate(sample.level_instances):
            alone = copy.deepcopy(supernet)
            for other, conv in enumerate(alone.bbox_head.retina_cls):
                if other != level:
                    conv.weight.zero_()
                    conv.bias.fill_(-100)
            (expected,) = alone.test_step(copy.deepcopy(image))
            rows = np.hstack((instances.bboxes.numpy(), instances.scores.numpy()[:, None]))
            np.testing.assert_array_equal(rows, found(expected))


def test_levels_of_a_light_detector_are_named_by_their_strides(image):
    model = build_quietly(lambda: MODELS.build(light_model(8)))
    build_quietly(model.init_weights)
    model.bbox_head.test_cfg.score_thr = 0.0
    with torch.no_grad():
        (sample,) = PerLevelDetector(model.eval()).test_step(copy.deepcopy(image))
        (plain,) = model.test_step(copy.deepcopy(image))
    np.testing.assert_array_equal(found(sample), found(plain))
    config = Config(dict(model=light_model(8), test_evaluator=dict(type='WiderFaceMetric')))
    use_levels(config)
    metric = METRICS.build(config.test_evaluator)
    metric.process({}, [sample.to_dict()])
    names = {name.split('/')[0] for name in metric.evaluate(1)}
    assert names == {'all', 'p3', 'p4', 'p5'}


def test_any_metric_is_reported_for_all_levels_and_each(supernet, image, tmp_path):
    metric = dict(type='WiderFaceMetric', out_dir=str(tmp_path))
    levels = METRICS.build(dict(type='PerLevelMetric', metric=metric, levels=6))
    plain = METRICS.build(dict(type='WiderFaceMetric'))
    with torch.no_grad():
        (sample,) = PerLevelDetector(supernet).test_step(image)
    levels.process({}, [sample.to_dict()])
    plain.process({}, [sample.to_dict()])
    results = levels.evaluate(1)
    expected = plain.evaluate(1)
    assert {f'all/{key}': value for key, value in expected.items()} == {
        key: value for key, value in results.items() if key.startswith('all/')
    }
    assert set(results) == {
        f'{level}/wider/{subset}'
        for level in ('all', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7')
        for subset in ('easy', 'medium', 'hard')
    }
    # Only all levels together are written.
    written = (tmp_path / '0--Parade/a.txt').read_text().splitlines()
    assert len(written) == 2 + len(sample.pred_instances)
    table = level_table(Metrics.of_results(results, None)).splitlines()
    assert table[2].startswith('| p2 |') and table[-1].startswith('| all |')


def test_samples_of_another_detector_are_refused(supernet, image):
    levels = METRICS.build(
        dict(type='PerLevelMetric', metric=dict(type='WiderFaceMetric'), levels=6)
    )
    with torch.no_grad():
        (sample,) = supernet.test_step(image)
    with pytest.raises(UserError, match='PerLevelDetector'):
        levels.process({}, [sample.to_dict()])
