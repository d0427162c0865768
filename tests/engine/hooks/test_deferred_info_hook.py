"""Losses and gradient norms are read from the device only when they are wanted; logs stay the same."""

from __future__ import annotations

import json

import pytest
import torch
from mmengine.hooks import Hook

from mmbfbox.engine import load_checkpoint_file
from mmbfbox.utils.config import load_config
from tests.engine.hooks.test_path_sampling_hook import make_runner
from tests.reading import counted_reads

INTERVAL = 4


def runner_of(config, folder, iterations=9, runtime_info='DeferredInfoHook', hooks=(), **keys):
    """A tiny supernet with the hooks and the clipping of the paper's configs."""
    paper = load_config('paper/bfbox_supernet_wider_face')
    runner = make_runner(
        config, folder, [*paper.custom_hooks, *hooks], iterations, randomness=dict(seed=3), **keys
    )
    runner.optim_wrapper['clip_grad'] = paper.optim_wrapper.clip_grad
    for hook in list(runner.hooks):
        if type(hook).__name__ in ('RuntimeInfoHook', 'LoggerHook'):
            runner._hooks.remove(hook)
    runner.register_hook(dict(type=runtime_info), priority='VERY_HIGH')
    runner.register_hook(dict(type='LoggerHook', interval=INTERVAL), priority='BELOW_NORMAL')
    return runner


class Reads(Hook):
    """What each iteration asks of the device, the logger and the checkpoint included."""

    priority = 'LOWEST'

    def __init__(self, reads):
        self.reads, self.of_iterations, self.seen = reads, [], 0

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.of_iterations.append(self.reads[self.seen :])
        self.seen = len(self.reads)


def test_only_iterations_that_are_logged_or_saved_wait_for_the_device(supernet_config, tmp_path):
    """The whole step is watched: preprocessing, forward, losses, backward, clipping, update, hooks."""
    with counted_reads() as reads:
        watch = Reads(reads)
        runner_of(supernet_config, tmp_path, 11, hooks=[watch]).train()
    # The first one names the columns of the log; 4 and 8 are logged, 10 and 11 saved.
    waits = {number: found for number, found in enumerate(watch.of_iterations, 1) if found}
    assert set(waits) == {1, 4, 8, 10, 11}, waits


def test_with_mmengines_hook_every_iteration_waits(supernet_config, tmp_path):
    """The count above sees what it has to see."""
    with counted_reads() as reads:
        watch = Reads(reads)
        runner_of(supernet_config, tmp_path, 3, 'RuntimeInfoHook', [watch]).train()
    assert all(len(found) >= 3 for found in watch.of_iterations)


@pytest.mark.parametrize('accumulate', [1, 2])
def test_logs_and_checkpoints_hold_the_same_numbers_in_the_same_order(
    supernet_config, tmp_path, accumulate
):
    histories, lines = [], []
    for name in ('RuntimeInfoHook', 'DeferredInfoHook'):
        torch.manual_seed(0)
        folder = tmp_path / name
        runner_of(supernet_config, folder, 9, name, accumulate=accumulate).train()
        saved = load_checkpoint_file(folder / 'iter_9.pth')['message_hub']['log_scalars']
        histories.append({key: [list(part) for part in value.data] for key, value in saved.items()})
        (file,) = folder.glob('*/vis_data/scalars.json')
        lines.append([json.loads(line) for line in file.read_text().splitlines()])
    for measured in ('train/time', 'train/data_time'):
        assert len(histories[0].pop(measured)[0]) == len(histories[1].pop(measured)[0]) == 9
    assert histories[0] == histories[1]
    assert list(histories[0]) == list(histories[1])
    assert len(histories[0]['train/grad_norm'][0]) == 9 // accumulate + (accumulate > 1)
    for one, other in zip(*lines, strict=True):
        assert list(one) == list(other)
        measured = ('time', 'data_time', 'images_per_second', 'data_share')
        assert all(one[key] == other[key] for key in one if key not in measured)


def test_a_checkpoint_between_two_readings_has_all_losses(supernet_config, tmp_path):
    class Save(Hook):
        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            if batch_idx == 2:
                runner.save_checkpoint(str(tmp_path), 'now.pth', by_epoch=False)

    runner_of(supernet_config, tmp_path, 4, hooks=[Save()]).train()
    hub = load_checkpoint_file(tmp_path / 'now.pth')['message_hub']
    assert {len(hub['log_scalars'][f'train/{key}'].data[0]) for key in ('loss', 'grad_norm')} == {3}
