"""An average of a supernet in which every tensor counts its own updates."""

from __future__ import annotations

import pytest
import torch
from mmengine.hooks import Hook

from mmbfbox.engine import PathEMAHook, PathSamplingHook, read_weights, use_safe_loading
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_weights
from mmbfbox.models import active_arch, names_on_path
from tests.engine.hooks.test_path_sampling_hook import make_runner


class ByHand(Hook):
    """What the average of each tensor should be: over the steps in which its path was drawn."""

    priority = 'VERY_LOW'

    def __init__(self, momentum: float) -> None:
        self.momentum = momentum
        self.average: dict[str, torch.Tensor] = {}
        self.updates: dict[str, int] = {}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        state = runner.model.state_dict()
        path = {id(tensor) for tensor in subnet_weights(state, active_arch(runner.model)).values()}
        for name in (name for name in state if id(state[name]) in path):
            number = self.updates.get(name, 0)
            weight = max(self.momentum, 1 / (number + 1))
            value = state[name].double()
            before = self.average.get(name, torch.zeros_like(value))
            self.average[name] = before + weight * (value - before)
            self.updates[name] = number + 1


@pytest.mark.parametrize('attention', ['spatial', 'edge'])
def test_what_is_on_the_path_is_the_slice_of_its_subnet(supernet, attention):
    state = supernet.state_dict()
    sliced = {id(tensor) for tensor in subnet_weights(state, active_arch(supernet)).values()}
    assert set(names_on_path(supernet, state)) == {n for n in state if id(state[n]) in sliced}


def test_each_tensor_is_averaged_over_its_own_updates_also_across_a_resume(
    supernet_config, tmp_path
):
    use_safe_loading()
    hooks = [PathSamplingHook(seed=5), PathEMAHook(momentum=0.2)]
    watch = ByHand(0.2)
    make_runner(supernet_config, tmp_path / 'whole', [*hooks, watch], 5).train()
    average = read_weights(tmp_path / 'whole' / 'iter_5.pth', 'ema').state
    raw = read_weights(tmp_path / 'whole' / 'iter_5.pth', 'raw').state
    assert max(watch.updates.values()) == 5 > min(watch.updates.values())
    for name, expected in watch.average.items():
        if average[name].dtype.is_floating_point:
            torch.testing.assert_close(average[name].double(), expected, rtol=1e-4, atol=1e-5)
    never = set(average) - set(watch.updates)
    assert never and all(torch.equal(average[name], raw[name]) for name in never)
    resumed = make_runner(
        supernet_config, tmp_path / 'on', [PathSamplingHook(seed=5), PathEMAHook(momentum=0.2)], 6,
        resume=True, load_from=str(tmp_path / 'whole' / 'iter_5.pth'),
    )  # fmt: skip
    resumed.train()
    ema = next(hook for hook in resumed.hooks if isinstance(hook, PathEMAHook))
    assert int(ema.ema_model.updates.max()) == 6 == int(ema.ema_model.steps)


def test_a_momentum_out_of_range_is_one_sentence(supernet_config, tmp_path):
    with pytest.raises(UserError, match='momentum of PathEMAHook is 0, expected more than 0'):
        make_runner(supernet_config, tmp_path, [PathEMAHook(momentum=0)], 1).train()
