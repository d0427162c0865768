"""The chain on tiny images: train, resume, search, resume, export, train, test; and what goes wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from mmdet.registry import DATASETS

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.datasets import ResumableSampler
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.io import read_wider_predictions
from mmbfbox.evaluation.wider.protocol import evaluate_wider_face
from mmbfbox.utils.config import load_config
from tests.running_tools import TOOLS, failure, run

SUPERNET, SEARCH = 'demo/bfbox_supernet_demo', 'demo/bfbox_search_demo'
SHORT = ['default_hooks.checkpoint.interval=3', 'train_dataloader.num_workers=0']
SHORT += ['train_dataloader.persistent_workers=False', 'train_dataloader.batch_size=4']
SHORT += ['train_dataloader.dataset.pipeline.3.transforms.0.canvas=256']
UNCHECKED = 'supernet_check=None'
PARTS = [
    f'{loader}.dataset.{key}={value}'
    for loader in ('train_dataloader', 'held_out_dataloader', 'recalibration_dataloader')
    for key, value in (('held_out', 12), ('recalibration', 8))
]


@pytest.fixture(scope='module')
def supernet(data, tmp_path_factory) -> Path:
    """A supernet trained for six iterations, in two runs."""
    folder = tmp_path_factory.mktemp('supernet')
    arguments = [SUPERNET, '--work-dir', folder, '--data-root', data, '--cfg-options']
    run('train', *arguments, 'train_cfg.max_iters=3', UNCHECKED, *SHORT, *PARTS)
    run(
        'train',
        SUPERNET,
        '--resume',
        *arguments[1:],
        'train_cfg.max_iters=6',
        'supernet_check.random=1',
        *SHORT,
        *PARTS,
    )
    return folder / 'iter_6.pth'


@pytest.fixture(scope='module')
def search(data, supernet, tmp_path_factory) -> Path:
    """A search of four candidates, stopped after two."""
    folder = tmp_path_factory.mktemp('search')
    arguments = [SEARCH, supernet, '--work-dir', folder, '--data-root', data]
    run('search', *arguments, '--candidates', 2, '--cfg-options', *PARTS)
    run('search', *arguments, '--candidates', 4, '--resume', '--cfg-options', *PARTS)
    return folder


@pytest.fixture(scope='module')
def best(data, supernet, search, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('best')
    run('export_subnet', search / 'best' / '01.json', supernet, '--out', folder)
    return folder


def test_search_leaves_results_table_archs_and_picture(search):
    lines = (search / 'candidates.jsonl').read_text().splitlines()
    candidates = [json.loads(line) for line in lines]
    indices = [candidate['index'] for candidate in candidates]
    # In a run those that share their first blocks follow each other; a second run only adds.
    assert len(set(indices)) == len(indices) == 4 and max(indices[:2]) < min(indices[2:])
    limit = load_config(SEARCH).search.constraints.detector_macs.max
    assert all(candidate['detector_macs'] <= limit for candidate in candidates)
    assert len(list((search / 'best').glob('*.json'))) == 4
    assert (search / 'score_vs_macs.png').stat().st_size > 5000
    assert len((search / 'best.md').read_text().splitlines()) == 6


def test_scores_are_the_same_when_a_search_is_run_again(data, supernet, search, tmp_path):
    run(
        'search', SEARCH, supernet, '--work-dir', tmp_path, '--data-root', data,
        '--candidates', 2, '--cfg-options', *PARTS,
    )  # fmt: skip
    for first, second in zip(*(
        (folder / 'candidates.jsonl').read_text().splitlines() for folder in (search, tmp_path)
    )):  # fmt: skip
        first, second = json.loads(first), json.loads(second)
        assert first['arch'] == second['arch']
        assert first['scores'] == pytest.approx(second['scores'], abs=1e-6)


def test_exported_config_trains_and_tests_like_any_mmdet_config(data, best, tmp_path):
    config = best / 'config.py'
    assert 'Searchable' not in config.read_text()
    assert load_config(config).train_dataloader.dataset.part is None
    short = ['train_cfg.max_iters=3', *SHORT]
    run('train', config, '--work-dir', tmp_path, '--cfg-options', *short)
    out = tmp_path / 'predictions'
    run(
        'test', config, tmp_path / 'iter_3.pth', '--work-dir', tmp_path / 'test',
        '--out-dir', out, '--pictures', tmp_path / 'pictures', '--number', 4,
    )  # fmt: skip
    scores = Metrics.read(tmp_path / 'test' / 'metrics.json').scores
    # The files say the same as the metric.
    result = evaluate_wider_face(
        read_wider_predictions(out), WiderGroundTruth.from_mats(data / 'ground_truth')
    )
    for subset, ap in result.ap.items():
        assert scores[f'wider/{subset}'] == pytest.approx(ap, abs=1e-4)
    assert len(list((tmp_path / 'pictures').glob('[0-9]*.jpg'))) == 4
    assert (tmp_path / 'pictures' / 'detections.png').exists()


def test_exported_weights_are_recalibrated_on_request(data, supernet, search, tmp_path):
    arch = search / 'best' / '01.json'
    run('export_subnet', arch, supernet, '--out', tmp_path / 'plain')
    run(
        'export_subnet', arch, supernet, '--out', tmp_path / 'tuned',
        '--search-config', SEARCH, '--cfg-options', *PARTS,
    )  # fmt: skip
    plain, tuned = (
        load_checkpoint_file(tmp_path / name / 'weights.pth')['state_dict']
        for name in ('plain', 'tuned')
    )
    different = {name for name in plain if not np.array_equal(plain[name], tuned[name])}
    assert different and all('.bn.' in name for name in different)


def test_what_a_user_can_get_wrong_ends_in_one_sentence(
    capsys, data, supernet, search, best, tmp_path
):
    arch = search / 'best' / '01.json'
    said = failure(capsys, 'train', SUPERNET, '--data-root', tmp_path)
    assert 'wider_face_split' in said
    said = failure(capsys, 'demo', '--data', tmp_path, '--work-dir', tmp_path / 'd')
    assert 'wider_face_split' in said and not (tmp_path / 'd').exists()
    work = ['--work-dir', tmp_path / 'e']
    said = failure(capsys, 'train', SUPERNET, '--data-root', data, '--amp', 'fp16', *work)
    assert 'GPU' in said
    said = failure(capsys, 'train', 'demo/nothing')
    assert 'demo/nothing' in said
    said = failure(capsys, 'search', SEARCH, tmp_path / 'no.pth', '--data-root', data)
    assert 'no.pth does not exist' in said
    said = failure(capsys, 'search', SEARCH, best / 'weights.pth', '--data-root', data,
                   '--work-dir', tmp_path / 'a')  # fmt: skip
    assert 'does not belong to this config' in said
    other_seed = ['--work-dir', search, '--cfg-options', 'search.seed=1', *PARTS]
    said = failure(capsys, 'search', SEARCH, supernet, '--data-root', data, *other_seed)
    assert 'differs in seed (there 0, here 1)' in said
    said = failure(capsys, 'search', SUPERNET, supernet, '--data-root', data,
                   '--work-dir', tmp_path / 'b')  # fmt: skip
    assert 'no complete "search"' in said
    other = json.loads(arch.read_text())
    other['space'] = dict(hash='000000000000', name='another space')
    (tmp_path / 'other.json').write_text(json.dumps(other))
    said = failure(
        capsys, 'export_subnet', tmp_path / 'other.json', supernet, '--out', tmp_path / 'x'
    )
    assert 'another space' in said and not (tmp_path / 'x').exists()
    said = failure(capsys, 'export_subnet', arch, best / 'weights.pth', '--out', tmp_path / 'x')
    assert 'training checkpoint' in said
    blocked = tmp_path / 'file'
    blocked.write_text('')
    said = failure(capsys, 'train', SUPERNET, '--data-root', data, '--work-dir', blocked / 'x')
    assert 'cannot create the folder' in said
    said = failure(capsys, 'train', SUPERNET, '--data-root', data, '--work-dir', tmp_path / 'c',
                   '--cfg-options', 'model.backbone.depths=[2,2]')  # fmt: skip
    assert 'depths' in said


def test_a_truncated_image_is_skipped_in_training_and_named(data, tmp_path):
    broken = tmp_path / 'data'
    shutil.copytree(data, broken)
    for image in sorted((broken / 'WIDER_train' / 'images').glob('*/*.jpg'))[::4]:
        image.write_bytes(image.read_bytes()[:400])
    run(
        'train', SUPERNET, '--work-dir', tmp_path / 'run', '--data-root', broken,
        # A name of its own: two runs that start in the same second would share mmengine's log file.
        '--cfg-options', 'experiment_name=truncated', 'train_cfg.max_iters=5', *SHORT, *PARTS,
    )  # fmt: skip
    log = next((tmp_path / 'run').glob('*/*.log')).read_text()
    assert 'training images could not be read and were skipped' in log


def cut_off(root: Path, names: list[str]) -> list[str]:
    """Cut training images of a data set off, and return their paths."""
    paths = [root / 'WIDER_train' / 'images' / name for name in names]
    for path in paths:
        path.write_bytes(path.read_bytes()[:400])
    return list(map(str, paths))


def test_without_a_whole_image_training_ends_in_one_sentence(capsys, data, tmp_path):
    broken = tmp_path / 'data'
    shutil.copytree(data, broken)
    images = broken / 'WIDER_train' / 'images'
    cut_off(broken, [str(path.relative_to(images)) for path in images.glob('*/*.jpg')])
    work = ['--work-dir', tmp_path / 'run', '--data-root', broken]
    said = failure(capsys, 'train', SUPERNET, *work, '--cfg-options', *SHORT, *PARTS)
    assert '28 images in a row are damaged' in said


def test_two_processes_train_together_although_all_images_of_one_are_damaged(data, tmp_path):
    """gloo on the CPU; the ranks agree on the path without talking about it."""
    broken = tmp_path / 'data'
    shutil.copytree(data, broken)
    config = load_config(SUPERNET)
    files = config.train_dataloader.dataset
    files.update(data_root=str(broken), pipeline=[], held_out=12, recalibration=8)
    dataset = DATASETS.build(files)
    # Three iterations of two ranks with four images each: rank 1 takes every other one.
    order = ResumableSampler(dataset, seed=config.randomness.seed)
    theirs = list(islice(order, 24))[1::2]
    names = {f'{dataset.get_data_info(int(index))["img_id"]}.jpg' for index in theirs}
    bad = cut_off(broken, sorted(names))
    environment = dict(os.environ, PYTHON=sys.executable, PORT='29517', OMP_NUM_THREADS='1')
    environment['PYTHONPATH'] = str(TOOLS.parent)
    command = [
        'bash',
        TOOLS / 'dist_train.sh',
        SUPERNET,
        '2',
        '--work-dir',
        tmp_path,
    ]
    command += [
        '--data-root',
        broken,
        '--cfg-options',
        'train_cfg.max_iters=3',
        *SHORT,
        *PARTS,
        UNCHECKED,
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    checkpoint = load_checkpoint_file(tmp_path / 'iter_3.pth')
    assert all(value.isfinite().all() for value in checkpoint['state_dict'].values())
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert f'{len(bad)} training images could not be read and were skipped' in log
    assert all(path in log for path in bad)


@pytest.mark.parametrize(
    'tool', ['train', 'search', 'export_subnet', 'test', 'browse_dataset', 'demo', 'make_demo_data']
)
def test_help_explains_every_argument_and_shows_an_example(tool, capsys):
    with pytest.raises(SystemExit) as stop:
        run(tool, '--help')
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert f'python tools/{tool}.py' in text
    options = [line for line in text.splitlines() if line.startswith('  -') and 'rank' not in line]
    for number, line in enumerate(options):
        described = len(line.split('  ')) > 2 or number is None
        following = text.split(line, 1)[1].lstrip('\n').splitlines()[0]
        assert described or following.startswith('      '), line


def test_a_search_with_noise_and_zero_cost_scores_averages_checkpoints(data, supernet, tmp_path):
    arguments = [SEARCH, supernet, '--work-dir', tmp_path, '--data-root', data, '--candidates', 2]
    score = ['search.score.checkpoints=2', 'search.score.resamples=20', 'search.metric=mean']
    score += ['search.score.zero_cost=[naswot]']
    run('search', *arguments, '--cfg-options', *PARTS, *score, 'train_dataloader.batch_size=4')
    (first, _) = map(json.loads, (tmp_path / 'candidates.jsonl').read_text().splitlines())
    scores = first['scores']
    assert {'mean', 'hard_even', 'hard_odd', 'hard_error'} <= set(scores)
    assert scores['mean'] == pytest.approx(sum(scores[n] for n in ('easy', 'medium', 'hard')) / 3)
    assert first['proxies']['naswot'] != 0
    named = json.loads((tmp_path / 'search.json').read_text())
    assert named['metric'] == 'mean' and len(named['scorer']['checkpoints']) == 2
