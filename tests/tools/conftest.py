"""Fixtures that the tests of the command lines share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.utils.config import load_config
from tests.running_tools import run

IN_PROCESS = ['test_dataloader.num_workers=0', 'test_dataloader.persistent_workers=False']


@pytest.fixture(scope='session')
def data(tmp_path_factory) -> Path:
    """A small data set in WIDER layout."""
    folder = tmp_path_factory.mktemp('data') / 'wider'
    make_demo_data(folder, seed=0, train=40, val=10, size=128)
    return folder


@pytest.fixture(scope='session')
def averaged_supernet(data, tmp_path_factory) -> Path:
    """A supernet trained for two iterations with an average of its weights, ``spare`` infinite."""
    folder = tmp_path_factory.mktemp('averaged')
    config = load_config('demo/bfbox_supernet_demo')
    config.custom_hooks = [*config.custom_hooks, dict(type='EMAHook', momentum=0.5)]
    config.supernet_check = None
    config.train_cfg.max_iters = config.default_hooks.checkpoint.interval = 2
    for loader in ('train_dataloader', 'held_out_dataloader', 'recalibration_dataloader'):
        config[loader].dataset.update(held_out=12, recalibration=8)
    config.train_dataloader.update(num_workers=0, persistent_workers=False, batch_size=4)
    (sampling,) = steps(config.train_dataloader.dataset.pipeline, 'DataAnchorSampling')
    sampling['spare'] = float('inf')
    config.dump(folder / 'averaged.py')
    run('train', folder / 'averaged.py', '--work-dir', folder, '--data-root', data)
    return folder / 'iter_2.pth'


def steps(pipeline: Any, kind: str) -> Iterator[dict[str, Any]]:
    """The steps of a pipeline that are of a type, wherever they stand."""
    for value in pipeline.values() if isinstance(pipeline, dict) else pipeline:
        if isinstance(value, dict) and value.get('type') == kind:
            yield value
        elif isinstance(value, (dict, list, tuple)):
            yield from steps(value, kind)
