"""A bad loss names its images, its path and its iteration, and breaks nothing that is saved."""

from __future__ import annotations

import math

import pytest
import torch
from mmengine.hooks import Hook

from mmbfbox.engine import LossGuardHook, PathSamplingHook, load_checkpoint_file
from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from tests.engine.hooks.test_path_sampling_hook import Images, make_runner

BAD = 2


class SmallImages(Images):
    """Named images, most without a face; image 5 holds numbers that no image holds."""

    def __init__(self, bad=(), faces=True):
        self.bad, self.faces = bad, faces

    def __getitem__(self, index):
        item = super().__getitem__(index)
        sample = item['data_samples']
        sample.set_metainfo(dict(img_path=f'{index}.jpg', skipped=()))
        if not self.faces:
            sample.gt_instances = sample.gt_instances[:0]
        if index in self.bad:
            item['inputs'] = torch.full_like(item['inputs'], math.nan, dtype=torch.float)
        return item


class States(Hook):
    """The weights, the momenta and the batch-norm statistics after each iteration."""

    def __init__(self):
        self.states = []

    def after_train_iter(self, runner, *args, **kwargs):
        state = {name: value.clone() for name, value in runner.model.state_dict().items()}
        momenta = runner.optim_wrapper.optimizer.state.values()
        self.states.append((state, [m['momentum_buffer'].clone() for m in momenta if m]))


def runner_of(config, folder, images, hooks, iterations=4):
    return make_runner(config, folder, [PathSamplingHook(5), *hooks], iterations, images=images)


def test_a_bad_loss_stops_training_before_anything_is_saved(supernet_config, tmp_path):
    guard = LossGuardHook(interval=100)
    runner = runner_of(supernet_config, tmp_path, SmallImages(bad=[5]), [guard])
    with pytest.raises(UserError, match='the loss is not finite at iteration 2') as stop:
        runner.train()
    arch = space_of(runner.model).sample(5, BAD)
    message = str(stop.value)
    assert '4.jpg, 5.jpg' in message and '; '.join(str(arch).splitlines()) in message
    assert '\n' not in message and not list(tmp_path.glob('iter_*.pth'))
    file = load_checkpoint_file(tmp_path / 'bad_steps' / f'iter_{BAD}_rank_0.pth')
    assert file['iteration'] == BAD and file['images'] == ['4.jpg', '5.jpg']
    assert space_of(runner.model).from_json(file['arch']) == arch
    assert math.isnan(file['losses']['loss'])


def test_a_skipped_update_moves_nothing_and_training_goes_on(supernet_config, tmp_path):
    states = States()
    guard = LossGuardHook(action='skip')
    runner = runner_of(supernet_config, tmp_path, SmallImages(bad=[5]), [guard, states])
    said = []
    runner.logger.warning = said.append
    runner.train()
    skipped = [text for text in said if text.startswith('update skipped: the loss is not finite')]
    assert len(skipped) == 1 and '4.jpg, 5.jpg' in skipped[0]
    before, after = states.states[BAD - 1], states.states[BAD]
    for name, value in after[0].items():
        assert value.isfinite().all(), name
        assert torch.equal(value, before[0][name]) or 'running' in name or 'tracked' in name
    assert all(map(torch.equal, before[1], after[1]))
    assert (tmp_path / 'bad_steps' / f'iter_{BAD}_rank_0.pth').exists()
    assert (tmp_path / 'iter_4.pth').exists()


def test_skipping_ends_after_some_bad_updates_in_a_row(supernet_config, tmp_path):
    guard = LossGuardHook(action='skip', patience=2)
    runner = runner_of(supernet_config, tmp_path, SmallImages(bad=[2, 4, 5]), [guard])
    with pytest.raises(UserError, match='2 iterations in a row were bad: .* iteration 2'):
        runner.train()


def test_batches_without_any_face_are_survived(supernet_config, tmp_path):
    """The supernet goes on learning what is background."""
    states = States()
    images = SmallImages(faces=False)
    hooks = [LossGuardHook(interval=1), states]
    runner_of(supernet_config, tmp_path, images, hooks, iterations=2).train()
    (first, _), (second, _) = states.states
    assert all(value.isfinite().all() for value in second.values())
    assert not torch.equal(
        first['bbox_head.retina_cls.0.weight'], second['bbox_head.retina_cls.0.weight']
    )


def test_keys_out_of_range_are_refused():
    for keys in (dict(action='ignore'), dict(interval=0), dict(patience=0)):
        with pytest.raises(UserError, match='expected one of stop, skip and numbers from 1'):
            LossGuardHook(**keys)
