"""A light detector through the tools: twenty steps as a supernet, its subnet tested level by level."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.export import supernet_space
from mmbfbox.utils.config import load_config
from tests.fixtures_models import light_model
from tests.running_tools import run
from tests.tools.conftest import IN_PROCESS

STEPS = 20


@pytest.fixture(scope='module')
def trained(data, tmp_path_factory) -> Path:
    """Folder of a light supernet, trained on the demo's images from stride 4 on."""
    folder = tmp_path_factory.mktemp('light')
    config = load_config('demo/bfbox_supernet_demo')
    config.model = light_model(4)
    config.custom_hooks = [*config.custom_hooks, dict(type='EMAHook', momentum=0.1)]
    config.supernet_check = None
    config.train_cfg.max_iters = config.default_hooks.checkpoint.interval = STEPS
    config.default_hooks.logger.interval = 1
    config.optim_wrapper.optimizer.lr = 2e-3
    for loader in ('train_dataloader', 'held_out_dataloader', 'recalibration_dataloader'):
        config[loader].dataset.update(held_out=12, recalibration=8)
    config.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=4)
    # Of its own: a test before in the same process may have left one that writes elsewhere.
    config.visualizer.name = folder.name
    config.dump(folder / 'light.py')
    run('train', folder / 'light.py', '--work-dir', folder, '--data-root', data)
    return folder


def test_losses_and_weights_stay_finite_and_everything_but_unused_choices_learns(trained):
    (log,) = trained.glob('*/vis_data/scalars.json')
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    losses = [(line['loss_cls'], line['loss_bbox']) for line in lines if 'loss_cls' in line]
    assert len(losses) == STEPS
    losses = torch.tensor(losses)
    assert losses.isfinite().all() and (losses > 0).all()
    checkpoint = load_checkpoint_file(trained / f'iter_{STEPS}.pth')
    averaged, raw = checkpoint['state_dict'], checkpoint['ema_state_dict']
    assert all(tensor.isfinite().all() for tensor in averaged.values())
    for name, tensor in averaged.items():
        if name.startswith(('neck.laterals', 'bbox_head')):
            assert not torch.equal(tensor, raw[f'module.{name}']), name


def test_its_subnet_is_exported_and_tested_level_by_level(trained, data):
    space = supernet_space(load_config(trained / 'light.py').model)
    arch = trained / 'arch.json'
    arch.write_text(space.to_json(space.sample(0, 1)))
    out = trained / 'subnet'
    run('export_subnet', arch, trained / f'iter_{STEPS}.pth', '--out', out)
    run('test', out / 'config.py', out / 'weights.pth', '--work-dir', out, '--per-level',
        '--data-root', data, '--cfg-options', *IN_PROCESS)  # fmt: skip
    assert set(Metrics.read(out / 'metrics.json').levels) == {'p2', 'p3', 'p4', 'p5'}
