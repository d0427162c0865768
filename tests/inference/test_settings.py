"""How a detector is tested, read from configs that are not our own."""

from __future__ import annotations

import pytest
from mmengine import Config

from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.errors import UserError
from mmbfbox.inference.settings import describe, use_levels, use_views


def with_model(**model: object) -> Config:
    steps = [dict(type='LoadImageFromFile'), dict(type='Resize', scale=(1333, 800)), dict(type='P')]
    test = dict(dataset=dict(pipeline=steps))
    return Config(dict(model=model, test_dataloader=test, tta_model=dict(type='MultiViewDetector')))


def test_a_detector_of_two_stages_is_described_by_the_second() -> None:
    second = dict(score_thr=0.05, nms=dict(type='nms', iou_threshold=0.5), max_per_img=100)
    config = with_model(type='FasterRCNN', test_cfg=dict(rpn=dict(nms_pre=1000), rcnn=second))
    scheme = 'short side 800, long side at most 1333'
    assert describe(config) == TestSettings(scheme, None, 0.05, 0.5, 100)
    for choose in (use_levels, use_views):
        with pytest.raises(UserError, match='FasterRCNN'):
            choose(config)


def test_a_head_without_anchors_cannot_be_tested_level_by_level() -> None:
    config = with_model(type='FCOS', bbox_head=dict(type='FCOSHead'), test_cfg=dict(score_thr=0.1))
    assert describe(config).score_thr == 0.1 and describe(config).nms_iou is None
    with pytest.raises(UserError, match='the head FCOSHead of FCOS has no anchors'):
        use_levels(config)
