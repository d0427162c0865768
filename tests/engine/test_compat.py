"""The private names of other libraries: each still means what we take it for, and none is used elsewhere.

Held for mmengine 0.10.7, mmdet 3.3.0, torch 2.13.0 and NumPy 2.2.6. A test that fails after an upgrade names
the function of ``mmbfbox/engine/compat.py`` to look at.
"""

from __future__ import annotations

import multiprocessing.connection
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
import torch
from mmdet.models.dense_heads import GFLHead, RetinaHead
from mmengine.model import BaseModule, PretrainedInit, revert_sync_batchnorm
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.runner import IterBasedTrainLoop
from torch import nn
from torch.utils.data import DataLoader

from mmbfbox.engine import compat
from tests.engine.toy_runs import toy_runner

# mmengine 0.10.7


def test_runner_says_whether_it_resumes_from_what_and_whether_it_has_loaded(tmp_path: Path):
    toy_runner(tmp_path / 'first', 2).train()
    path = str(tmp_path / 'first' / 'iter_2.pth')
    fresh = toy_runner(tmp_path / 'fresh', 2)
    assert not compat.is_resuming(fresh) and compat.wanted_checkpoint(fresh) is None
    again = toy_runner(tmp_path / 'again', 4, resume=True, load_from='nowhere.pth')
    assert compat.is_resuming(again) and compat.wanted_checkpoint(again) == 'nowhere.pth'
    compat.load_instead(again, path)
    assert compat.wanted_checkpoint(again) == path and not compat.has_loaded(again)
    again.load_or_resume()
    assert compat.has_loaded(again)
    again.train_loop.run()
    assert again.iter == 4  # it went on at 2, or it would have failed at nowhere.pth


def test_loops_that_are_not_built_stay_so(tmp_path: Path):
    runner = toy_runner(tmp_path, 2, validate=1)
    assert compat.built_loops(runner) == []
    train = runner.train_loop
    assert compat.built_loops(runner) == [train]
    validate = runner.val_loop
    assert compat.built_loops(runner) == [train, validate]


def test_a_seed_that_differs_by_rank_is_known(tmp_path: Path):
    runner = toy_runner(tmp_path / 'same', 2)
    assert not compat.mixes_rank_into_seed(runner)
    apart = toy_runner(tmp_path / 'apart', 2)
    apart._randomness_cfg.update(diff_rank_seed=True)
    assert compat.mixes_rank_into_seed(apart)


def test_the_interval_of_validation_follows_its_milestones(tmp_path: Path):
    runner = toy_runner(tmp_path, 8, validate=4)
    loop = IterBasedTrainLoop(
        runner, runner.train_dataloader, max_iters=8, val_interval=4, dynamic_intervals=[(3, 1)]
    )
    compat.choose_val_interval(loop)
    assert loop.val_interval == 4
    loop._iter = 3
    compat.choose_val_interval(loop)
    assert loop.val_interval == 1


def test_iterations_of_one_update_are_those_that_were_asked_for():
    optimizer = torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)
    wrapper = OptimWrapper(optimizer, accumulative_counts=3)
    assert compat.accumulated_iterations(wrapper) == 3
    assert compat.accumulated_iterations(OptimWrapper(optimizer)) == 1
    assert compat.accumulated_iterations(OptimWrapperDict(a=wrapper)) == 1


def test_the_log_of_initial_weights_names_the_file(tmp_path: Path):
    initializer, seen = PretrainedInit('weights.pth'), []

    class Layer(BaseModule):
        def init_weights(self):
            nn.init.constant_(self.inner.weight, 3.0)
            compat.note_initialization(self, initializer)
            seen.append(self._params_init_info[self.inner.weight]['init_info'])

    outer = BaseModule()
    outer.layer = Layer()
    outer.layer.inner = nn.Linear(1, 1)
    compat.note_initialization(outer.layer, initializer)  # without a log: nothing to do
    outer.init_weights()
    assert seen == ['PretrainedInit: load from weights.pth']


# mmdet 3.3.0


def test_heads_with_steps_of_their_own_are_told_from_mmdets():
    class Voting(RetinaHead):
        def _bbox_post_process(self, *args, **kwargs):
            return super()._bbox_post_process(*args, **kwargs)

    one_square = dict(
        type='AnchorGenerator', ratios=[1.0], scales=[8], strides=[8, 16, 32, 64, 128]
    )
    assert compat.post_processes_as_mmdet(RetinaHead(1, 4, feat_channels=4))
    assert not compat.post_processes_as_mmdet(Voting(1, 4, feat_channels=4))
    assert not compat.post_processes_as_mmdet(
        GFLHead(1, 4, anchor_generator=one_square, norm_cfg=None)
    )


# torch 2.13.0


def test_every_batch_norm_is_one_and_nothing_else():
    kinds = [nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm]
    assert all(isinstance(kind(4), compat.BatchNorm) for kind in kinds)
    reverted = revert_sync_batchnorm(nn.SyncBatchNorm(4))
    assert isinstance(reverted, compat.BatchNorm) and not isinstance(reverted, nn.BatchNorm2d)
    others = [nn.GroupNorm(2, 4), nn.InstanceNorm2d(4), nn.LayerNorm(4)]
    assert not any(isinstance(other, compat.BatchNorm) for other in others)


def test_norms_of_gradients_are_those_of_each():
    gradients = [torch.tensor([3.0, 4.0]), torch.ones(2, 2), torch.tensor([float('nan')])]
    norms = torch.stack(list(compat.gradient_norms(gradients)))
    torch.testing.assert_close(norms, torch.tensor([5.0, 2.0, float('nan')]), equal_nan=True)


def test_a_call_after_backward_comes_once_when_all_gradients_are_there():
    first, second, calls = nn.Linear(2, 2), nn.Linear(2, 1), []
    parameters = [*first.parameters(), *second.parameters()]

    def ask(parameter: torch.Tensor) -> None:
        compat.call_after_backward(lambda: calls.append([p.grad is not None for p in parameters]))

    second.bias.register_post_accumulate_grad_hook(ask)
    second(first(torch.ones(1, 2))).sum().backward()
    assert calls == [[True] * 4]


@pytest.mark.parametrize('persistent', [False, True])
def test_workers_stop_when_they_are_told_and_their_end_is_seen(persistent: bool):
    loader = DataLoader(range(8), num_workers=1, persistent_workers=persistent)
    iterator = iter(loader)
    ends = compat.process_sentinels(iterator)
    assert len(ends) == 1 and not multiprocessing.connection.wait(ends, timeout=0)
    compat.stop_workers(loader, None if persistent else iterator)
    assert multiprocessing.connection.wait(ends, timeout=5) == ends
    assert len(list(loader)) == 8  # new workers begin at the first sample
    compat.stop_workers(loader)
    compat.stop_workers(loader)


def test_a_loader_without_workers_has_none_to_stop():
    loader = DataLoader(range(2))
    assert compat.process_sentinels(iter(loader)) == []
    compat.stop_workers(loader, iter(loader))


# NumPy 2.2.6


@pytest.mark.parametrize('value', [np.arange(3.0), np.float64(0.5), np.int64(3)])
def test_pickled_arrays_and_scalars_name_the_builders(value: object):
    names = {name for _, name in compat.array_builders()}
    assert len(names) == 4
    module, name = next(
        (line.split()[0], line.split()[1])
        for line in _globals(pickle.dumps(value, protocol=2))
        if 'multiarray' in line
    )
    assert f'{module}.{name}' in names
    assert all(callable(builder) for builder, _ in compat.array_builders())


def _globals(pickled: bytes) -> list[str]:
    """Module and name of everything that a pickle looks up."""
    return [arg for code, arg, _ in pickletools.genops(pickled) if code.name == 'GLOBAL']
