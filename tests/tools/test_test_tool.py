"""tools/test.py: benchmarks, scales, views and levels, and that results say which were used."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from scipy.io import savemat

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.evaluation.face_eval.io import MATS
from mmbfbox.inference.settings import describe, use_benchmark, use_scheme, use_views
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly
from tests.running_tools import failure, run
from tests.tools.conftest import IN_PROCESS

CONFIG = 'demo/retinanet_r18_fpn_demo'
FDDB_NAMES = ['2002/07/19/big/img_18', '2002/07/19/big/img_65', '2003/01/02/big/img_1']


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    """Random weights of the demo's baseline."""
    init_default_scope('mmdet')
    torch.manual_seed(0)
    model = build_quietly(lambda: MODELS.build(load_config(CONFIG).model))
    path = tmp_path_factory.mktemp('baseline') / 'weights.pth'
    torch.save(dict(state_dict=model.state_dict(), meta={}), path)
    return path


def write_image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    cv2.imwrite(str(path), pixels)


@pytest.fixture(scope='module')
def fddb(tmp_path_factory) -> Path:
    """Three images in FDDB's layout."""
    folder = tmp_path_factory.mktemp('fddb')
    lines = []
    for index, name in enumerate(FDDB_NAMES):
        write_image(folder / 'originalPics' / f'{name}.jpg', index)
        lines += [name, '1', '30 20 1.5 60 45 1']
    (folder / 'FDDB-folds').mkdir()
    (folder / 'FDDB-folds/FDDB-fold-01-ellipseList.txt').write_text('\n'.join(lines) + '\n')
    return folder


@pytest.fixture(scope='module')
def afw(tmp_path_factory) -> Path:
    """Two images in the layout of the face-eval toolbox."""
    folder = tmp_path_factory.mktemp('afw')
    record = np.zeros((1, 2), dtype=[('imgname', object), ('objects', object)])
    for index, name in enumerate(('one.jpg', 'two.jpg')):
        write_image(folder / 'testimages' / name, index)
        record[0, index] = (name, np.array([[10, 10, 60, 60, 0, 0]], dtype=float))
    savemat(folder / MATS['afw'], {'Annotations': record})
    return folder


def metrics_of(folder: Path, checkpoint: Path, *arguments: object) -> Metrics:
    """metrics.json of a run."""
    # A name of its own: runs that start in the same second would share mmengine's log file.
    options = [f'experiment_name={folder.name}', *IN_PROCESS]
    run('test', CONFIG, checkpoint, '--work-dir', folder, *arguments, '--cfg-options', *options)
    return Metrics.read(folder / 'metrics.json')


def test_fddb_is_tested_and_its_files_evaluate_to_the_same(checkpoint, fddb, tmp_path, capsys):
    out = tmp_path / 'out'
    arguments = ['--benchmark', 'fddb', '--data-root', fddb, '--out-dir', out]
    metrics = metrics_of(tmp_path / 'fddb', checkpoint, *arguments)
    assert metrics.scores['fddb/faces'] == 3
    assert metrics.settings.scheme == 'original size'
    capsys.readouterr()
    run('evaluate', 'fddb', out / 'detections.txt', '--ground-truth', fddb, '--json')
    again = json.loads(capsys.readouterr().out)
    assert again['discrete_tpr_at_1000'] == pytest.approx(
        metrics.scores['fddb/discrete_tpr_at_1000']
    )
    assert TestSettings.read(out / 'test_settings.json') == metrics.settings


def test_afw_is_tested_with_its_long_side_at_640(checkpoint, afw, tmp_path):
    arguments = ['--benchmark', 'afw', '--data-root', afw, '--out-dir', tmp_path / 'out']
    metrics = metrics_of(tmp_path / 'afw', checkpoint, *arguments)
    assert 0 <= metrics.scores['afw/ap'] <= 1
    assert metrics.settings.scheme == 'long side 640'
    assert (tmp_path / 'out/detections.txt').read_text().startswith('one ')


def test_views_levels_and_schemes_run_on_real_files(checkpoint, data, tmp_path, capsys):
    root = ['--data-root', data]
    metrics = metrics_of(tmp_path / 'tta', checkpoint, *root, '--tta', 'mogface')
    assert metrics.settings.scheme == 'multi-scale'
    assert metrics.settings.tta == dict(preset='mogface', vote_iou=0.6, singletons='keep')
    metrics = metrics_of(
        tmp_path / 'levels', checkpoint, *root, '--per-level', '--scheme', '90x160'
    )
    assert metrics.settings.scheme == 'short side 90, long side at most 160'
    assert 'wider/hard' in metrics.scores and set(metrics.levels['p2']) == set(metrics.scores)
    assert list(metrics.levels) == ['p2', 'p3', 'p4', 'p5']
    assert '| p5 |' in capsys.readouterr().out


def test_scales_follow_the_scheme_and_are_described_from_the_config_itself():
    config = load_config('paper/retinanet_r50_fpn_wider_face')
    assert describe(config).scheme == 'original size'
    use_scheme(config, 'vga')
    assert describe(config).scheme == 'long side 640'
    assert [step['type'] for step in config.test_dataloader.dataset.pipeline] == [
        'LoadFaceImage', 'Resize', 'PackDetInputs',
    ]  # fmt: skip
    use_scheme(config, '1600x2150')
    assert config.test_dataloader.dataset.pipeline[1]['scale'] == (2150, 1600)
    use_benchmark(config, 'pascal')
    assert config.test_evaluator.benchmark == config.test_dataloader.dataset.benchmark == 'pascal'
    assert describe(config) == TestSettings(
        scheme='long side 640', tta=None, score_thr=0.01, nms_iou=0.3, max_per_img=750
    )
    config.tta_model = dict(type='MultiViewDetector', scales=(0.5, 1), flip=True)
    use_views(config)
    described = describe(config)
    assert described.scheme == 'multi-scale'
    assert described.tta == dict(scales=[0.5, 1], flip=True, vote_iou=0.5, singletons='keep')
    padded = describe(load_config('mini/retinanet_r18_fpn_wider_mini'))
    assert padded.scheme == 'long side 640, padded to a fixed canvas'


def test_wrong_settings_end_in_one_sentence(capsys, checkpoint, fddb, tmp_path):
    work = ['--work-dir', tmp_path / 'work']
    said = failure(capsys, 'test', CONFIG, checkpoint, *work, '--scheme', '1650x1100')
    assert 'SHORTxLONG' in said
    said = failure(capsys, 'test', CONFIG, checkpoint, *work, '--scheme', 'vga', '--tta')
    assert 'exclude each other' in said
    first = fddb / 'originalPics' / f'{FDDB_NAMES[0]}.jpg'
    hidden = first.rename(first.with_suffix('.hidden'))
    arguments = [*work, '--benchmark', 'fddb', '--data-root', fddb]
    said = failure(capsys, 'test', CONFIG, checkpoint, *arguments)
    hidden.rename(first)
    assert f'no image {FDDB_NAMES[0]}.jpg' in said
    arguments[-1] = tmp_path
    said = failure(capsys, 'test', CONFIG, checkpoint, *arguments)
    assert 'FDDB-folds' in said
