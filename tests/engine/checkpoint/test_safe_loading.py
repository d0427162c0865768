"""Nothing that a tool was handed is unpickled blindly, and programs that do not ask keep mmengine's ways."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader

import mmbfbox.models  # noqa: F401, registers the models
from mmbfbox.engine import use_safe_loading
from mmbfbox.errors import UserError
from tests.engine.hostile import hostile_file
from tests.engine.toy_runs import toy_runner

FOREIGN = """
import importlib, pkgutil, sys, warnings
warnings.simplefilter('ignore')
import mmbfbox
for module in pkgutil.walk_packages(mmbfbox.__path__, 'mmbfbox.'):
    importlib.import_module(module.name)
from mmengine.model import BaseModule
from mmengine.registry import init_default_scope
from mmengine.runner.checkpoint import CheckpointLoader
init_default_scope('mmdet')
print(CheckpointLoader.load_checkpoint(sys.argv[1])['meta'])
try:
    CheckpointLoader.load_checkpoint('nowhere.pth')
except Exception as error:
    print(type(error).__name__)
from torch import nn
layer = BaseModule(init_cfg=dict(type='Pretrained', checkpoint=sys.argv[1]))
layer.inner = nn.Linear(1, 1)
layer.init_weights()
print(float(layer.inner.weight))
"""


def test_a_program_that_only_imports_the_package_keeps_mmengines_loader(tmp_path: Path):
    """mmengine keeps the text of a config, knows its own errors, and takes from a file what fits."""
    state = {'inner.weight': torch.full((1, 1), 7.0)}  # the bias is missing
    torch.save(dict(state_dict=state, meta=dict(config='x = 1')), tmp_path / 'a.pth')
    done = subprocess.run(
        [sys.executable, '-c', FOREIGN, str(tmp_path / 'a.pth')],
        env=dict(os.environ, PYTHONPATH=str(Path(__file__).resolve().parents[3])),
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if not line.startswith('Loads checkpoint')]
    assert "{'config': 'x = 1'}" in lines
    assert 'FileNotFoundError' in lines
    assert lines[-1] == '7.0'


@pytest.mark.usefixtures('mmengines_own_loading')
def test_mmengines_own_loading_runs_what_is_in_a_file(tmp_path: Path):
    """What the other tests guard against is real."""
    victim, path = hostile_file(tmp_path)
    CheckpointLoader.load_checkpoint(str(path))
    assert victim.exists()


@pytest.mark.usefixtures('mmengines_own_loading')
def test_after_use_safe_loading_mmengine_and_pretrained_refuse(tmp_path: Path):
    victim, path = hostile_file(tmp_path)
    use_safe_loading()
    use_safe_loading()  # as a tool and its run do
    with pytest.raises(UserError, match='refused'):
        CheckpointLoader.load_checkpoint(str(path))
    init_default_scope('mmdet')
    init = dict(type='Pretrained', checkpoint=str(path))
    backbone = MODELS.build(dict(type='ResNet', depth=18, base_channels=4, init_cfg=init))
    with pytest.raises(UserError, match='refused'):
        backbone.init_weights()
    assert not victim.exists()


@pytest.mark.usefixtures('mmengines_own_loading')
@pytest.mark.parametrize('part', ['hook', 'loop'])
def test_a_run_whose_config_has_our_hook_or_loop_refuses(part: str, tmp_path: Path):
    """Also under mmdet's own tools, which know nothing of ours."""
    victim, path = hostile_file(tmp_path)
    keys = {} if part == 'hook' else dict(checkpoint=dict(type='CheckpointHook'))
    runner = toy_runner(tmp_path / 'run', 2, **keys)
    if part == 'hook':
        with pytest.raises(UserError, match='refused'):
            runner.load_checkpoint(str(path))
    runner = toy_runner(tmp_path / 'from', 2, load_from=str(path), **keys)
    with pytest.raises(UserError, match='refused'):
        runner.train()
    assert not victim.exists()


def test_the_text_of_a_config_in_a_file_is_not_run_by_mmengine(tmp_path: Path):
    use_safe_loading()
    torch.save(dict(state_dict={}, meta=dict(config='raise', iter=3)), tmp_path / 'a.pth')
    assert CheckpointLoader.load_checkpoint(str(tmp_path / 'a.pth'))['meta'] == dict(iter=3)
