"""What a resume cannot go on with is refused, what else was changed is named, before a step is taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine import Config
from torch import nn

from mmbfbox.engine.checkpoint.resume import checkpoint_to_resume
from mmbfbox.errors import UserError
from tests.engine.toy_runs import Toy, toy_runner

ADAM = dict(optimizer=dict(type='AdamW', lr=0.01))
COSINE = dict(type='CosineAnnealingLR', by_epoch=False, T_max=8)
LINEAR = dict(type='LinearLR', by_epoch=False, start_factor=0.5, end=8)


class Wider(Toy):
    """A layer more."""

    def __init__(self) -> None:
        super().__init__()
        self.more = nn.Linear(2, 2)


class Deeper(Toy):
    """A layer of another shape."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)


@pytest.mark.parametrize(
    ('first', 'then', 'message'),
    [
        ({}, dict(model=Wider), 'iter_4.pth does not belong to this config: 2 .* are missing'),
        (dict(model=Wider), {}, 'does not belong to this config: 2 unknown'),
        ({}, dict(model=Deeper), 'does not belong to this config: 2 of another shape'),
        ({}, dict(optim_wrapper=ADAM), 'another optimizer.*dampening.*betas'),
        (dict(optim_wrapper=ADAM), {}, 'another optimizer.*betas.*dampening'),
        (
            {},
            dict(
                optim_wrapper=dict(
                    optimizer=dict(type='SGD', lr=0.01, momentum=0.9),
                    paramwise_cfg=dict(bias_lr_mult=2.0),
                )
            ),
            '1 group of parameters, and this config makes 2',
        ),
        (
            {},
            dict(param_scheduler=COSINE),
            'other schedulers than .*CosineAnnealingLR.*schedule=.config',
        ),
        ({}, dict(param_scheduler=[LINEAR, LINEAR]), 'other schedulers.*schedule=.config'),
        ({}, dict(param_scheduler=None), 'other schedulers.*schedule=.config'),
    ],
)
def test_what_a_resume_cannot_go_on_with_is_refused(
    first: dict[str, Any], then: dict[str, Any], message: str, tmp_path: Path
) -> None:
    toy_runner(tmp_path, 4, **_built(first)).train()
    runner = toy_runner(tmp_path, 6, resume=True, **_built(then))
    with pytest.raises(UserError, match=message):
        runner.train()


@pytest.mark.parametrize('scheduler', [COSINE, [LINEAR, COSINE], None])
def test_other_schedulers_are_followed_on_request(scheduler: Any, tmp_path: Path) -> None:
    toy_runner(tmp_path / 'a', 4).train()
    resumed = toy_runner(
        tmp_path / 'a', 6, resume=True, param_scheduler=scheduler,
        checkpoint=dict(schedule='config'),
    )  # fmt: skip
    resumed.train()
    whole = toy_runner(tmp_path / 'b', 6, param_scheduler=scheduler)
    whole.train()
    ours, theirs = resumed.optim_wrapper.param_groups, whole.optim_wrapper.param_groups
    assert [group['lr'] for group in ours] == [group['lr'] for group in theirs]


@pytest.mark.parametrize('note', [b'\xff\xfe\0', b"type='Runner'\n" * 400, b'', b'elsewhere.pth'])
def test_a_damaged_note_of_the_last_checkpoint_is_passed_over(note: bytes, tmp_path: Path) -> None:
    toy_runner(tmp_path, 4).train()
    (tmp_path / 'last_checkpoint').write_bytes(note)
    assert checkpoint_to_resume(tmp_path, None, 'iter_{}.pth', print) == tmp_path / 'iter_4.pth'


def test_weights_alone_are_no_training_to_go_on_with(tmp_path: Path) -> None:
    torch.save(dict(state_dict=Toy().state_dict(), meta={}), tmp_path / 'weights.pth')
    runner = toy_runner(tmp_path, 4, resume=True, load_from=str(tmp_path / 'weights.pth'))
    with pytest.raises(UserError, match='weights.pth holds weights .*load_from'):
        runner.train()


def test_a_file_none_of_whose_weights_fits_starts_no_training(tmp_path: Path) -> None:
    torch.save(dict(state_dict=nn.Linear(5, 5).state_dict()), tmp_path / 'other.pth')
    runner = toy_runner(tmp_path, 4, load_from=str(tmp_path / 'other.pth'))
    with pytest.raises(UserError, match='none of the 2 .* of .*other.pth fits'):
        runner.train()
    # A new part beside old ones is what load_from is for.
    torch.save(dict(state_dict=Toy().state_dict()), tmp_path / 'part.pth')
    toy_runner(tmp_path, 4, load_from=str(tmp_path / 'part.pth'), model=Wider()).train()


def test_a_run_without_the_average_goes_on_with_the_weights_that_were_trained(
    tmp_path: Path,
) -> None:
    averaging = dict(custom_hooks=[dict(type='EMAHook', momentum=0.1)])
    toy_runner(tmp_path, 4, **averaging).train()
    saved = torch.load(tmp_path / 'iter_4.pth', weights_only=False)
    trained = saved['ema_state_dict']['module.linear.weight']
    assert not torch.equal(saved['state_dict']['linear.weight'], trained)
    runner = toy_runner(tmp_path, 4, resume=True)
    said = _warnings(runner)
    runner.train()
    assert torch.equal(runner.model.linear.weight, trained)
    assert any('this config averages none' in line for line in said)


def test_other_settings_of_the_training_are_named(tmp_path: Path) -> None:
    def config(**keys: Any) -> Config:
        loader = dict(batch_size=2, dataset=dict(type='Faces', data_root='/a/', held_out=200))
        return Config(dict(train_dataloader=loader, model=dict(type='Toy'), val_cfg=None, **keys))

    toy_runner(tmp_path, 4, cfg=config()).train()
    other = config(randomness=dict(seed=4))
    other.train_dataloader.batch_size = 4
    other.train_dataloader.dataset.update(data_root='/b/', held_out=100)
    other.val_cfg = dict(type='ValLoop')
    runner = toy_runner(tmp_path, 6, resume=True, cfg=other)
    said = _warnings(runner)
    runner.train()
    (told,) = [line for line in said if 'batch_size' in line]
    assert 'train_dataloader.batch_size is 4 here and 2 in the checkpoint' in told
    assert 'train_dataloader.dataset.held_out is 100 here and 200 in the checkpoint' in told
    assert 'data_root' not in told and 'val_cfg' not in told
    runner = toy_runner(tmp_path, 8, resume=True, cfg=other)
    said = _warnings(runner)
    runner.train()
    assert not said


def _built(keys: dict[str, Any]) -> dict[str, Any]:
    return {key: value() if isinstance(value, type) else value for key, value in keys.items()}


def _warnings(runner: Any) -> list[str]:
    said: list[str] = []
    runner.logger.warning = said.append
    return said
