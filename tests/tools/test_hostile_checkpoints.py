"""Each tool that is handed a checkpoint refuses one that runs code, in one sentence, and runs none of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace
from tests.engine.hostile import hostile_file
from tests.fixtures_search import fake_search
from tests.running_tools import failure

pytestmark = pytest.mark.usefixtures('mmengines_own_loading')

TRAIN = ['demo/retinanet_r18_fpn_demo']
IN_PROCESS = ['train_dataloader.num_workers=0', 'train_dataloader.persistent_workers=False']
SPACE = JointSpace(BackboneSpace(), FpnSpace())


def refused(capsys, victim: Path, tool: str, *arguments: object) -> None:
    """The tool refuses, and the file that the checkpoint would write is not there."""
    assert 'refused, because it holds more than weights' in failure(capsys, tool, *arguments)
    assert not victim.exists()


@pytest.mark.parametrize('how', ['resume', 'load_from', 'pretrained', 'plain_loop'])
def test_training_refuses(how: str, capsys, data: Path, tmp_path: Path):
    """However the file is named, and also where the config has none of our loops and hooks."""
    victim, path = hostile_file(tmp_path)
    named = {
        'resume': ['--resume', path, '--cfg-options'],
        'load_from': ['--cfg-options', f'load_from={path}'],
        'pretrained': [
            '--cfg-options',
            'model.backbone.init_cfg.type=Pretrained',
            f'model.backbone.init_cfg.checkpoint={path}',
        ],
        'plain_loop': [
            '--cfg-options',
            f'load_from={path}',
            'train_cfg.type=IterBasedTrainLoop',
            'train_dataloader.sampler.type=InfiniteSampler',
            'default_hooks.checkpoint.type=CheckpointHook',
        ],
    }[how]
    work = ['--work-dir', tmp_path / how, '--data-root', data]
    experiment = f'experiment_name={tmp_path.name}'
    refused(capsys, victim, 'train', *TRAIN, *work, *named, experiment, *IN_PROCESS)


def test_testing_refuses(capsys, data: Path, tmp_path: Path):
    victim, path = hostile_file(tmp_path)
    work = ['--work-dir', tmp_path / 'work', '--data-root', data]
    refused(capsys, victim, 'test', *TRAIN, path, *work)


def test_searching_refuses(capsys, data: Path, tmp_path: Path):
    victim, path = hostile_file(tmp_path)
    work = ['--work-dir', tmp_path / 'work', '--data-root', data]
    refused(capsys, victim, 'search', 'demo/bfbox_search_demo', path, *work)


def test_exporting_and_publishing_refuse(capsys, tmp_path: Path):
    victim, path = hostile_file(tmp_path)
    (tmp_path / '01.json').write_text(SPACE.to_json(SPACE.sample(0, 0)))
    refused(capsys, victim, 'export_subnet', tmp_path / '01.json', path, '--out', tmp_path / 'out')
    refused(capsys, victim, 'publish_model', path, '--out', tmp_path / 'out')
    assert not (tmp_path / 'out').exists() or not any((tmp_path / 'out').iterdir())


def test_the_report_of_a_search_refuses(capsys, data: Path, tmp_path: Path):
    victim, path = hostile_file(tmp_path)
    fake_search(tmp_path / 'search', 3)
    measuring = ['--config', 'demo/bfbox_search_demo', '--supernet', path, '--data-root', data]
    refused(capsys, victim, 'search_report', tmp_path / 'search', *measuring)
