"""tools/export_subnet.py and tools/publish_model.py on what the other tools write."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmbfbox.artifacts.checkpoint_meta import ExportMeta, PublishMeta
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.export import supernet_space
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.utils.config import config_from_text, load_config
from tests.running_tools import TOOLS, failure, run
from tests.tools.conftest import IN_PROCESS, steps


@pytest.fixture(scope='module')
def arch(averaged_supernet, tmp_path_factory) -> Path:
    """An arch of the supernet, as the search writes it."""
    space = supernet_space(load_config('demo/bfbox_supernet_demo').model)
    path = tmp_path_factory.mktemp('arch') / '01.json'
    path.write_text(space.to_json(space.sample(0, 3)))
    return path


def test_options_of_the_model_reach_the_exported_config(averaged_supernet, arch, tmp_path):
    options = ['model.test_cfg.score_thr=0.5', 'train_cfg.max_iters=7']
    run('export_subnet', arch, averaged_supernet, '--out', tmp_path, '--cfg-options', *options)
    config = load_config(tmp_path / 'config.py')
    assert config.model.test_cfg.score_thr == 0.5
    assert config.model.backbone.type == 'FaceBackbone'
    assert config.train_cfg.max_iters == 7


def test_options_that_make_another_network_are_refused(capsys, averaged_supernet, arch, tmp_path):
    options = ['--cfg-options', 'model.neck.channels=8', 'model.bbox_head.in_channels=8']
    said = failure(
        capsys, 'export_subnet', arch, averaged_supernet, '--out', tmp_path / 'x', *options
    )
    assert 'of another shape' in said and not (tmp_path / 'x').exists()


def test_export_needs_no_images_and_works_from_any_folder(
    averaged_supernet, arch, tmp_path, monkeypatch
):
    checkpoint = load_checkpoint_file(averaged_supernet)
    config = config_from_text(checkpoint['meta']['cfg'], 'x')
    root = config.data_root
    checkpoint['meta']['cfg'] = checkpoint['meta']['cfg'].replace(root, 'data/elsewhere/')
    torch.save(checkpoint, tmp_path / 'supernet.pth')
    words = [arch, 'supernet.pth', '--out', 'best']
    done = subprocess.run(
        [sys.executable, TOOLS / 'export_subnet.py', *words],
        cwd=tmp_path, env=dict(os.environ, PYTHONPATH=str(TOOLS.parent)), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-1000:]
    check_root(tmp_path / 'best', 'data/elsewhere/')
    monkeypatch.chdir(tmp_path)
    run('export_subnet', *words, '--data-root', 'data/other')
    check_root(tmp_path / 'best', 'data/other/')


def check_root(folder: Path, expected: str) -> None:
    """An exported config reads its images and annotations from there."""
    written = load_config(folder / 'config.py')
    assert written.data_root == expected
    assert written.test_evaluator.ground_truth.startswith(expected)


def test_averaged_or_raw_weights_are_exported_as_one_asks_and_the_files_say_which(
    capsys, averaged_supernet, arch, tmp_path
):
    stored = load_checkpoint_file(averaged_supernet)
    name = 'bbox_head.retina_reg.0.weight'
    raw = stored['ema_state_dict'][f'module.{name}']
    assert not torch.equal(raw, stored['state_dict'][name])
    for asked, kind, expected in (
        ((), 'ema', stored['state_dict'][name]),
        (('--weights', 'ema'), 'ema', stored['state_dict'][name]),
        (('--weights', 'raw'), 'raw', raw),
    ):
        out = tmp_path / f'{kind}{len(asked)}'
        capsys.readouterr()
        run('export_subnet', arch, averaged_supernet, '--out', out, *asked)
        assert f'{kind} weights' in capsys.readouterr().out
        written = load_checkpoint_file(out / 'weights.pth')
        assert torch.equal(written['state_dict'][name], expected)
        meta = ExportMeta.of_checkpoint(written['meta'], 'x')
        assert (meta.weights, meta.recalibrated) == (kind, False)
        run('publish_model', out / 'weights.pth', '--config', out / 'config.py', '--out', out / 'p')
        (published,) = (out / 'p').glob('*.pth')
        assert (
            PublishMeta.of_checkpoint(load_checkpoint_file(published)['meta'], 'x').weights == kind
        )
        said = failure(
            capsys, 'publish_model', out / 'weights.pth', '--config', out / 'config.py',
            '--out', out / 'q', '--weights', 'raw' if kind == 'ema' else 'ema',
        )  # fmt: skip
        assert 'one set of weights' in said


def test_a_bare_or_wrapped_supernet_says_what_is_missing(capsys, averaged_supernet, arch, tmp_path):
    state = load_checkpoint_file(averaged_supernet)['state_dict']
    torch.save(state, tmp_path / 'bare.pth')
    said = failure(capsys, 'export_subnet', arch, tmp_path / 'bare.pth', '--out', tmp_path / 'x')
    assert '--supernet-config' in said
    wrapped = {f'module.{name}': value for name, value in state.items()}
    torch.save(wrapped, tmp_path / 'wrapped.pth')
    out = ['--out', tmp_path / 'y', '--supernet-config', averaged_supernet.parent / 'averaged.py']
    run('export_subnet', arch, tmp_path / 'wrapped.pth', *out)
    run('export_subnet', arch, averaged_supernet, '--out', tmp_path / 'z')
    ours, theirs = (
        load_checkpoint_file(tmp_path / name / 'weights.pth')['state_dict'] for name in 'yz'
    )
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_search_takes_bare_and_wrapped_weights(capsys, data, averaged_supernet, tmp_path):
    state = load_checkpoint_file(averaged_supernet)['state_dict']
    torch.save({f'module.{name}': value for name, value in state.items()}, tmp_path / 'wrapped.pth')
    parts = [
        f'{name}_dataloader.dataset.{key}'
        for name in ('train', 'held_out', 'recalibration')
        for key in ('held_out=12', 'recalibration=8')
    ]
    scores = []
    for name, file in (('plain', averaged_supernet), ('wrapped', tmp_path / 'wrapped.pth')):
        work = ['--work-dir', tmp_path / name, '--data-root', data, '--candidates', 1]
        run('search', 'demo/bfbox_search_demo', file, *work, '--cfg-options', *parts)
        (candidate,) = read_candidates(tmp_path / name)
        scores.append((candidate.arch, candidate.scores))
    assert scores[0] == scores[1]
    assert f'scoring with the ema weights of {averaged_supernet}' in capsys.readouterr().out
    exported = load_checkpoint_file(tmp_path / 'plain' / 'export' / '01' / 'weights.pth')
    meta = ExportMeta.of_checkpoint(exported['meta'], 'x')
    assert (meta.weights, meta.recalibrated) == ('ema', True)


def test_infinite_settings_survive_training_export_and_publishing(
    averaged_supernet, arch, tmp_path
):
    out = tmp_path / 'best'
    run('export_subnet', arch, averaged_supernet, '--out', out, '--config',
        averaged_supernet.parent / 'averaged.py')  # fmt: skip
    run('publish_model', averaged_supernet, '--out', tmp_path / 'published')
    (published,) = (tmp_path / 'published').glob('*.py')
    saved = [averaged_supernet.parent / 'averaged.py', out / 'config.py', published]
    for file in saved:
        pipeline = load_config(file).train_dataloader.dataset.pipeline
        (sampling,) = steps(pipeline, 'DataAnchorSampling')
        assert sampling['spare'] == float('inf'), file


def test_published_files_of_a_real_training_name_no_file_of_this_machine(
    capsys, data, averaged_supernet, tmp_path
):
    config = load_config(averaged_supernet.parent / 'averaged.py')
    config.test_evaluator.ground_truth = str(tmp_path / 'other data')
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='work_dirs/start.pth')
    config.dump(tmp_path / 'config.py')
    run('publish_model', averaged_supernet, '--out', tmp_path / 'a')
    again = ['--out', tmp_path / 'b', '--config', tmp_path / 'config.py']
    run('publish_model', averaged_supernet, *again)
    (said,) = [line for line in capsys.readouterr().out.splitlines() if 'taken out of' in line]
    assert 'model.backbone.init_cfg' in said and 'test_evaluator.ground_truth' in said
    files = [file for folder in 'ab' for file in (tmp_path / folder).iterdir()]
    assert len(files) == 4
    for file in files:
        for path in (data, tmp_path, averaged_supernet.parent):
            assert str(path.parent).encode() not in file.read_bytes()
        assert b'start.pth' not in file.read_bytes()


def test_what_the_test_tool_wrote_is_published_as_documented(
    capsys, data, averaged_supernet, arch, tmp_path
):
    out = tmp_path / 'best'
    run('export_subnet', arch, averaged_supernet, '--out', out)
    options = ['--cfg-options', f'experiment_name={tmp_path.name}', *IN_PROCESS]
    work = ['--work-dir', tmp_path / 'test', '--data-root', data]
    run('test', out / 'config.py', out / 'weights.pth', *work, *options)
    metrics = tmp_path / 'test' / 'metrics.json'
    publish = [out / 'weights.pth', '--config', out / 'config.py', '--out', tmp_path / 'published']
    run('publish_model', *publish, '--metrics', metrics, '--name', 'x')
    (file,) = (tmp_path / 'published').glob('x-*.pth')
    meta = PublishMeta.of_checkpoint(load_checkpoint_file(file)['meta'], file)
    written = Metrics.read(metrics)
    assert meta.metric == written.scores and 'wider/hard' in meta.metric
    assert meta.settings == written.settings.to_plain()
    # Results of other weights are not noted.
    run('export_subnet', arch, averaged_supernet, '--out', tmp_path / 'raw', '--weights', 'raw')
    publish[0] = tmp_path / 'raw' / 'weights.pth'
    said = failure(capsys, 'publish_model', *publish, '--metrics', metrics)
    assert 'other weights' in said
    said = failure(capsys, 'publish_model', *publish, '--metrics', out / 'config.py')
    assert 'damaged or not the results of a test' in said
