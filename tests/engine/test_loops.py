"""The training loop starts at any iteration as if it had done all before it."""

from __future__ import annotations

import os
import signal

import pytest
import torch
from mmengine.hooks import Hook

from mmbfbox.engine import load_checkpoint_file
from mmbfbox.errors import UserError
from tests.engine.toy_runs import toy_runner


def test_nothing_is_loaded_again_at_iteration_100_000(tmp_path):
    toy_runner(tmp_path, 2).train()
    checkpoint = load_checkpoint_file(tmp_path / 'iter_2.pth')
    checkpoint['meta']['iter'] = 100_000
    torch.save(checkpoint, tmp_path / 'iter_2.pth')
    runner = toy_runner(tmp_path, 100_003, resume=True)
    runner.train()
    assert runner.iter == 100_003
    asked = runner.train_dataloader.dataset.asked
    assert asked == [(3, position) for position in range(200_000, 200_006)]


def test_a_resumed_run_ends_with_the_same_weights_although_it_draws_random_numbers(tmp_path):
    straight = toy_runner(tmp_path / 'straight', 9)
    straight.train()
    for stop in (4, 6):
        toy_runner(tmp_path / 'stopped', stop, resume=True).train()
    torch.rand(7)  # whatever else a process draws does not matter
    resumed = toy_runner(tmp_path / 'stopped', 9, resume=True)
    resumed.train()
    assert torch.equal(straight.model.linear.weight, resumed.model.linear.weight)
    assert all(map(torch.equal, straight.model.inputs[-3:], resumed.model.inputs))
    losses = [run.message_hub.get_scalar('train/loss').data[0] for run in (straight, resumed)]
    assert len(losses[0]) == 9 and (losses[0] == losses[1]).all()


class Kill(Hook):
    """Ends the run in the middle of a validation."""

    def after_val_epoch(self, runner, metrics=None):
        raise KeyboardInterrupt


def test_a_validation_that_was_interrupted_is_made_up_for_and_others_are_not_repeated(tmp_path):
    keys = dict(validate=4, checkpoint=dict(save_best='acc', rule='greater'))
    first = toy_runner(tmp_path, 4, custom_hooks=[Kill()], **keys)
    with pytest.raises(KeyboardInterrupt):
        first.train()
    for end, expected in ((8, 2), (10, 1)):
        runner = toy_runner(tmp_path, end, resume=True, **keys)
        runner.train()
        assert runner.val_evaluator.validations == expected


def test_another_sampler_is_refused(tmp_path):
    runner = toy_runner(tmp_path, 2, loader=dict(sampler=dict(type='InfiniteSampler')))
    with pytest.raises(UserError, match='BatchSampler of InfiniteSampler.*ResumableSampler'):
        runner.train()


class Murder(Hook):
    """Kills the loader's workers once."""

    def __init__(self):
        self.done = False

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if batch_idx == 3 and not self.done:
            self.done = True
            for worker in runner.train_loop.dataloader_iterator._workers:
                os.kill(worker.pid, signal.SIGKILL)


def test_dead_workers_are_replaced_and_the_batches_stay_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr('torch.utils.data.dataloader.MP_STATUS_CHECK_INTERVAL', 0.5, raising=False)
    monkeypatch.setattr('torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL', 0.5)
    runs = []
    for name, workers, hooks in (('none', 0, []), ('one', 1, []), ('killed', 2, [Murder()])):
        loader = dict(num_workers=workers, persistent_workers=workers > 0)
        runs.append(toy_runner(tmp_path / name, 8, loader=loader, custom_hooks=hooks))
        runs[-1].train()
    for run in runs[1:]:
        assert len(run.model.inputs) == 8
        assert all(map(torch.equal, runs[0].model.inputs, run.model.inputs))
        assert torch.equal(runs[0].model.linear.weight, run.model.linear.weight)


@pytest.mark.parametrize('error', [ConnectionResetError(104, 'reset by peer'), EOFError()])
def test_a_batch_that_dies_with_its_worker_is_made_again(tmp_path, error):
    """The connection over which a dead worker would have handed its batch over breaks."""
    whole = toy_runner(tmp_path / 'whole', 4)
    whole.train()
    runner = toy_runner(tmp_path / 'broken', 4, loader=dict(num_workers=1, persistent_workers=True))
    loop, breaks = runner.build_train_loop(runner._train_loop), []

    class Breaking:
        """Kills the worker and breaks the connection, once."""

        def __init__(self, iterator):
            self._workers, self._iterator = iterator._workers, iterator

        def __next__(self):
            if not breaks:
                breaks.append(True)
                os.kill(self._workers[0].pid, signal.SIGKILL)
                self._workers[0].join()
                raise error
            return next(self._iterator)

        def _shutdown_workers(self):
            self._iterator._shutdown_workers()

    opened = loop._open_dataloader

    def open_breaking():
        opened()
        loop.dataloader_iterator = Breaking(loop.dataloader_iterator)

    loop._open_dataloader = open_breaking
    runner._train_loop = loop
    runner.train()
    assert breaks and len(runner.model.inputs) == 4
    assert all(map(torch.equal, whole.model.inputs, runner.model.inputs))


def test_no_worker_is_left_when_a_run_has_ended(tmp_path):
    """Training has its own way; those of the validation would wait for the garbage collector."""
    loader = dict(num_workers=1, persistent_workers=True)
    runner = toy_runner(
        tmp_path, 2, validate=2, loader=loader, custom_hooks=[dict(type='CloseWorkersHook')]
    )
    started = []
    run = type(runner.val_loop).run

    def watched(loop):
        result = run(loop)
        started.extend(loop.dataloader._iterator._workers)
        return result

    runner.val_loop.run = watched.__get__(runner.val_loop)
    runner.train()
    assert len(started) == 1 and not started[0].is_alive()
    assert runner.val_dataloader._iterator is None
