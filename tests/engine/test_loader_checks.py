"""A run whose loader never ends is refused before it begins, also without the tools."""

from __future__ import annotations

import pytest
from mmengine.runner import Runner

from mmbfbox.errors import UserError
from tests.engine.toy_runs import Noise, Score, Toy

HOOKS = [dict(type='CloseWorkersHook')]


def runner(folder, sampler: str, **keys) -> Runner:
    loader = dict(batch_size=2, num_workers=0, dataset=Noise(), sampler=dict(type=sampler))
    return Runner(
        model=Toy(),
        work_dir=str(folder),
        default_scope='mmdet',
        experiment_name=f'{folder.name}{sampler}',
        log_level='WARNING',
        custom_hooks=HOOKS,
        **{key: loader if value == 'loader' else value for key, value in keys.items()},
    )


def test_epochs_of_a_sampler_without_end_are_refused(tmp_path):
    run = runner(
        tmp_path,
        'ResumableSampler',
        train_dataloader='loader',
        train_cfg=dict(by_epoch=True, max_epochs=1),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
    )
    with pytest.raises(UserError, match='never ends, and EpochBasedTrainLoop waits for its end'):
        run.train()


def test_a_test_on_a_sampler_without_end_is_refused(tmp_path):
    run = runner(
        tmp_path,
        'ResumableSampler',
        test_dataloader='loader',
        test_cfg=dict(),
        test_evaluator=Score(),
    )
    with pytest.raises(UserError, match='test_dataloader.sampler is a ResumableSampler'):
        run.test()
