"""tools/test.py --norm-statistics: what batch norm is tested with is a choice that is noted and seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.engine.norm_shift import norm_shift, running_moments
from mmbfbox.errors import UserError
from mmbfbox.search.scoring.norm_statistics import NormStatistics
from mmbfbox.search.scoring.recalibration import batch_norms
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import replace_data_root
from mmbfbox.utils.quiet import build_quietly
from tests.running_tools import run
from tests.tools.conftest import IN_PROCESS

RESNET = 'demo/retinanet_r18_fpn_demo'
SPLIT = {f'recalibration_dataloader.dataset.{key}': 8 for key in ('held_out', 'recalibration')}


@pytest.fixture(scope='module')
def weights(tmp_path_factory) -> Path:
    """A network whose running statistics were never made from images."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = build_quietly(lambda: MODELS.build(load_config(RESNET).model))
    path = tmp_path_factory.mktemp('weights') / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def test_the_running_statistics_are_compared_with_the_test_images(capfd, data, weights, tmp_path):
    arguments = ['--work-dir', tmp_path, '--data-root', data]
    run('test', RESNET, weights, *arguments, '--cfg-options', *IN_PROCESS)
    said = capfd.readouterr()
    assert 'batch norm was trained on other statistics than it meets here' in said.out + said.err
    assert Metrics.read(tmp_path / 'metrics.json').settings.norm_statistics is None


@pytest.mark.parametrize('kind', ['crops', 'images'])
def test_statistics_of_training_images_are_used_and_noted(capfd, data, weights, tmp_path, kind):
    arguments = ['--work-dir', tmp_path, '--data-root', data, '--norm-statistics', kind]
    options = [*IN_PROCESS, *(f'{key}={value}' for key, value in SPLIT.items())]
    run('test', RESNET, weights, *arguments, '--cfg-options', *options)
    said = capfd.readouterr()
    assert f'statistics of {kind} in place of the running ones' in said.out + said.err
    settings = Metrics.read(tmp_path / 'metrics.json').settings
    assert settings.norm_statistics == kind
    plain = TestSettings(settings.scheme, norm_statistics='running')
    assert 'norm_statistics' in settings.differences(plain)


@pytest.mark.parametrize('kind', ['crops', 'images'])
def test_the_same_images_give_the_same_statistics_however_often(data, kind):
    config = load_config(RESNET, SPLIT)
    replace_data_root(config, data)
    init_default_scope('mmdet')
    model = build_quietly(lambda: MODELS.build(config.model)).eval()
    layers = batch_norms(model)
    untouched = running_moments(layers)
    statistics = NormStatistics(config, kind)
    statistics(model)
    first = running_moments(layers)
    statistics(model)
    assert norm_shift(first, running_moments(layers)) == 0
    assert norm_shift(untouched, first) > 0.1


def test_what_would_have_no_effect_is_refused(data):
    config = load_config(RESNET)
    replace_data_root(config, data)
    config.model.backbone.norm_cfg = dict(type='GN', num_groups=2)
    init_default_scope('mmdet')
    model = build_quietly(lambda: MODELS.build(config.model))
    with pytest.raises(UserError, match='the detector has no batch norm; leave it'):
        NormStatistics(config, 'crops')(model)
    config.recalibration_dataloader = None
    with pytest.raises(UserError, match='the config has no recalibration_dataloader'):
        NormStatistics(config, 'images')
    with pytest.raises(UserError, match='expected one of running, crops, images'):
        NormStatistics(config, 'test')
