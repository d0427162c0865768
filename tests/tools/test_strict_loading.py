"""tools/test.py tests exactly the weights that it was given, and says which these were."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.inference import views
from mmbfbox.models import space_of
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly
from tests.running_tools import failure, run
from tests.tools.conftest import IN_PROCESS

RESNET = 'demo/retinanet_r18_fpn_demo'


@pytest.fixture(autouse=True)
def small_views(monkeypatch) -> None:
    """No image is enlarged beyond 256x256, in place of what fills a GPU's memory."""
    monkeypatch.setattr(views, 'LARGEST_BLOB', 577 * 256**2)


def save_random(config: str, path: Path, seed: int) -> dict[str, torch.Tensor]:
    """Random weights of a config's detector, as a checkpoint."""
    init_default_scope('mmdet')
    torch.manual_seed(seed)
    state = build_quietly(lambda: MODELS.build(load_config(config).model)).state_dict()
    torch.save(dict(state_dict=state, meta={}), path)
    return state


@pytest.fixture(scope='module')
def resnet(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('resnet') / 'weights.pth'
    save_random(RESNET, path, 0)
    return path


@pytest.fixture(scope='module')
def arch(averaged_supernet, tmp_path_factory) -> Path:
    """An arch of the supernet, as the search writes it."""
    init_default_scope('mmdet')
    model = build_quietly(lambda: MODELS.build(load_config('demo/bfbox_supernet_demo').model))
    space = space_of(model)
    path = tmp_path_factory.mktemp('arch') / '01.json'
    path.write_text(space.to_json(space.sample(0, 3)))
    return path


def metrics_of(
    folder: Path, data: Path, config: object, checkpoint: Path, *arguments: object
) -> Metrics:
    """What the tool writes for a checkpoint; of a network that knows nothing, few boxes are enough."""
    few = 'model.test_cfg.nms_pre=100'
    options = ['--cfg-options', f'experiment_name={folder.name}', few, *IN_PROCESS]
    work = ['--work-dir', folder, '--data-root', data]
    run('test', config, checkpoint, *work, *arguments, *options)
    return Metrics.read(folder / 'metrics.json')


@pytest.mark.parametrize('how', [(), ('--tta', 's3fd'), ('--per-level',)])
def test_weights_of_another_network_are_refused_with_the_keys_that_do_not_fit(
    how, capsys, data, resnet, averaged_supernet, tmp_path
):
    work = ['--data-root', data, '--work-dir', tmp_path / 'work', *how, '--cfg-options']
    said = failure(capsys, 'test', RESNET, averaged_supernet, *work, *IN_PROCESS)
    assert 'does not belong to this config' in said
    assert 'parameters are missing (backbone.' in said and 'unknown (backbone.' in said
    state = load_checkpoint_file(resnet)['state_dict']
    del state['bbox_head.retina_cls.0.weight']
    torch.save(dict(state_dict=state, meta={}), tmp_path / 'partial.pth')
    said = failure(capsys, 'test', RESNET, tmp_path / 'partial.pth', *work, *IN_PROCESS)
    assert '1 parameter is missing (bbox_head.retina_cls.0.weight)' in said
    assert not (tmp_path / 'work' / 'metrics.json').exists()


def test_a_supernet_is_tested_as_the_subnet_that_one_names_and_not_without(
    capsys, data, averaged_supernet, arch, resnet, tmp_path
):
    work = ['--data-root', data, '--work-dir', tmp_path / 'refused']
    said = failure(capsys, 'test', 'demo/bfbox_supernet_demo', averaged_supernet, *work)
    assert 'is a supernet' in said and '--arch' in said
    said = failure(capsys, 'test', RESNET, resnet, *work, '--arch', arch)
    assert 'is no supernet' in said
    assert not (tmp_path / 'refused' / 'metrics.json').exists()
    # With the arch: the same as exporting it with the search's recalibration and testing that.
    parts = [
        f'{name}_dataloader.dataset.{key}'
        for name in ('train', 'held_out', 'recalibration')
        for key in ('held_out=12', 'recalibration=8')
    ]
    direct = metrics_of(
        tmp_path / 'direct', data, averaged_supernet.parent / 'averaged.py', averaged_supernet,
        '--arch', arch, '--out-dir', tmp_path / 'direct_boxes',
    )  # fmt: skip
    out = tmp_path / 'best'
    recalibrate = [
        '--search-config',
        'demo/bfbox_search_demo',
        '--data-root',
        data,
        '--cfg-options',
        *parts,
    ]
    run('export_subnet', arch, averaged_supernet, '--out', out, *recalibrate)
    exported = metrics_of(
        tmp_path / 'exported', data, out / 'config.py', out / 'weights.pth',
        '--out-dir', tmp_path / 'exported_boxes',
    )  # fmt: skip
    assert direct.scores == exported.scores
    files = sorted(file.relative_to(tmp_path / 'direct_boxes') for file in
                   (tmp_path / 'direct_boxes').glob('*/*.txt'))  # fmt: skip
    assert len(files) == 10
    for file in files:
        first, second = (tmp_path / f'{name}_boxes' / file for name in ('direct', 'exported'))
        assert first.read_text() == second.read_text()


def test_bare_weights_and_those_of_a_wrapper_load_like_any_other(data, resnet, tmp_path):
    state = load_checkpoint_file(resnet)['state_dict']
    torch.save(state, tmp_path / 'bare.pth')
    wrapped = {f'module.{name}': value for name, value in state.items()}
    torch.save(dict(state_dict=wrapped, meta={}), tmp_path / 'wrapped.pth')
    torch.save(wrapped, tmp_path / 'both.pth')
    expected = metrics_of(tmp_path / 'plain', data, RESNET, resnet)
    for name in ('bare', 'wrapped', 'both'):
        found = metrics_of(tmp_path / name, data, RESNET, tmp_path / f'{name}.pth')
        assert found.scores == expected.scores


@pytest.fixture(scope='module')
def averaged_resnet(data, tmp_path_factory) -> tuple[Path, Path]:
    """Config and checkpoint of a training that averages its weights."""
    folder = tmp_path_factory.mktemp('averaged_resnet')
    config = load_config(RESNET)
    config.custom_hooks = [*config.custom_hooks, dict(type='EMAHook', momentum=0.5)]
    config.train_cfg.max_iters = config.default_hooks.checkpoint.interval = 2
    config.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=4)
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    config.dump(folder / 'config.py')
    run('train', folder / 'config.py', '--work-dir', folder, '--data-root', data)
    return folder / 'config.py', folder / 'iter_2.pth'


def test_averaged_or_raw_weights_are_tested_as_one_asks_and_the_file_says_which(
    capsys, data, averaged_resnet, resnet, tmp_path
):
    config, checkpoint = averaged_resnet
    for how in ((), ('--tta', 's3fd')):
        kinds = {}
        for kind in ('default', 'raw', 'ema'):
            asked = () if kind == 'default' else ('--weights', kind)
            folder = tmp_path / f'{kind}{len(how)}'
            out = ['--out-dir', folder / 'boxes', *how]
            metrics = metrics_of(folder, data, config, checkpoint, *asked, *out)
            kinds[kind] = metrics.settings.weights
            name = next((folder / 'boxes').glob('*/*.txt')).relative_to(folder)
            kinds[f'{kind} boxes'] = (folder / name).read_text()
        assert (kinds['default'], kinds['raw'], kinds['ema']) == ('ema', 'raw', 'ema')
        assert kinds['default boxes'] == kinds['ema boxes'] != kinds['raw boxes']
    assert 'raw weights' in capsys.readouterr().out
    work = ['--data-root', data, '--work-dir', tmp_path / 'no']
    said = failure(capsys, 'test', RESNET, resnet, *work, '--weights', 'ema')
    assert 'one set of weights' in said
