"""tools/test.py with our backbone and neck inside other detectors of mmdet: it works, or says why not."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.export import subnet_model, supernet_space
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly
from tests.running_tools import failure, run
from tests.tools.conftest import IN_PROCESS

STRIDES = [4, 8, 16, 32]
CODER = dict(type='DeltaXYWHBBoxCoder', target_means=[0.0] * 4, target_stds=[1.0] * 4)
ANCHORS = dict(type='AnchorGenerator', scales=[4], ratios=[1.0], strides=STRIDES)
NMS = dict(nms=dict(type='nms', iou_threshold=0.5), score_thr=0.001, max_per_img=50, nms_pre=200)
SIGMOID = dict(type='CrossEntropyLoss', use_sigmoid=True)


def dense(head: str, **keys: Any) -> dict[str, Any]:
    widths = dict(in_channels=32, feat_channels=32, stacked_convs=1, num_classes=1)
    return dict(bbox_head=dict(type=head, **widths, **keys), test_cfg=NMS)


def two_stages() -> dict[str, Any]:
    rpn = dict(type='RPNHead', in_channels=32, feat_channels=32, anchor_generator=ANCHORS,
               bbox_coder=CODER, loss_cls=SIGMOID, loss_bbox=dict(type='L1Loss'))  # fmt: skip
    layer = dict(type='RoIAlign', output_size=7, sampling_ratio=0)
    extractor = dict(
        type='SingleRoIExtractor', roi_layer=layer, out_channels=32, featmap_strides=STRIDES
    )
    second = dict(type='Shared2FCBBoxHead', in_channels=32, fc_out_channels=32, roi_feat_size=7,
                  num_classes=1, bbox_coder=CODER, loss_cls=dict(type='CrossEntropyLoss'),
                  loss_bbox=dict(type='L1Loss'))  # fmt: skip
    proposals = dict(
        nms_pre=100, max_per_img=50, nms=dict(type='nms', iou_threshold=0.7), min_bbox_size=0
    )
    return dict(
        rpn_head=rpn,
        train_cfg=None,
        roi_head=dict(type='StandardRoIHead', bbox_roi_extractor=extractor, bbox_head=second),
        test_cfg=dict(rpn=proposals, rcnn={k: v for k, v in NMS.items() if k != 'nms_pre'}),
    )


DETECTORS = {
    'FasterRCNN': two_stages,
    'ATSS': lambda: dense('ATSSHead', anchor_generator=ANCHORS, bbox_coder=CODER, loss_centerness=SIGMOID),
    'FCOS': lambda: dense('FCOSHead', strides=STRIDES),
    'RetinaNet': lambda: dense(
        'RetinaHead', anchor_generator=ANCHORS, bbox_coder=CODER,
        loss_cls=dict(type='CrossEntropyLoss', use_sigmoid=False),
    ),
}  # fmt: skip


def written(kind: str, folder: Path, data: Path) -> list[object]:
    """Arguments of tools/test.py for a detector around an exported backbone and neck."""
    init_default_scope('mmdet')
    config = load_config('demo/bfbox_subnet_demo')
    supernet = load_config('demo/bfbox_supernet_demo').model.to_dict()
    ours = subnet_model(supernet, supernet_space(supernet).sample(0, 3))
    shared = {key: ours[key] for key in ('backbone', 'neck', 'data_preprocessor')}
    config.model = dict(type=kind, **shared, **DETECTORS[kind]())
    config.dump(folder / 'config.py')
    torch.manual_seed(0)
    model = build_quietly(lambda: MODELS.build(config.model))
    build_quietly(model.init_weights)
    torch.save(dict(state_dict=model.state_dict(), meta={}), folder / 'weights.pth')
    options = ['--cfg-options', f'experiment_name={folder.name}', *IN_PROCESS]
    work = ['--work-dir', folder / 'work', '--data-root', data]
    return [folder / 'config.py', folder / 'weights.pth', *work, *options]


COMPILED = (importlib.import_module('mmcv._ext').__file__ or '').endswith('.so')


@pytest.mark.skipif(COMPILED, reason='mmcv is compiled here, with all of its operators')
def test_an_operator_that_is_missing_is_one_sentence(data, tmp_path, capsys):
    said = failure(capsys, 'test', *written('FasterRCNN', tmp_path, data))
    assert "mmcv's operator roi_align_forward is compiled code" in said
    assert 'make env OPS=full' in said


@pytest.mark.parametrize(
    'kind',
    [
        pytest.param(
            'FasterRCNN',
            marks=pytest.mark.skipif(not COMPILED, reason='roi_align needs a compiled mmcv'),
        ),
        'ATSS',
        'FCOS',
    ],
)
def test_other_detectors_are_tested_with_their_settings_noted(kind, data, tmp_path):
    run('test', *written(kind, tmp_path, data))
    metrics = Metrics.read(tmp_path / 'work' / 'metrics.json')
    assert 'wider/hard' in metrics.scores
    assert (metrics.settings.score_thr, metrics.settings.nms_iou) == (0.001, 0.5)


def test_atss_is_tested_level_by_level(data, tmp_path, capsys):
    run('test', *written('ATSS', tmp_path, data)[:6], '--per-level', '--cfg-options', *IN_PROCESS)
    metrics = Metrics.read(tmp_path / 'work' / 'metrics.json')
    assert list(metrics.levels) == ['p2', 'p3', 'p4', 'p5'] and 'wider/hard' in metrics.scores


@pytest.mark.parametrize(
    ('kind', 'words'),
    [
        ('FasterRCNN', 'leave --per-level out'),
        ('FCOS', 'the head FCOSHead of FCOS has no anchors'),
        # Silenced scores would be those of every class, background included.
        ('RetinaNet', 'the head RetinaHead compares classes with each other (softmax)'),
    ],
)
def test_levels_that_cannot_be_told_apart_are_one_sentence(kind, words, data, tmp_path, capsys):
    arguments = [*written(kind, tmp_path, data)[:6], '--per-level', '--cfg-options', *IN_PROCESS]
    assert words in failure(capsys, 'test', *arguments)
