"""A schedule that was changed before a resume is named, or followed on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.optim import OptimWrapper, OptimWrapperDict

from mmbfbox.errors import UserError
from tests.engine.toy_runs import Toy, toy_runner


def cosine(length: int, **keys: Any) -> dict[str, Any]:
    """Settings of a training with a cosine over ``length`` iterations."""
    warm_up = dict(type='LinearLR', by_epoch=False, start_factor=0.1, end=4)
    falling = dict(type='CosineAnnealingLR', by_epoch=False, begin=4, T_max=length - 4, end=length)
    return dict(param_scheduler=[warm_up, falling], **keys)


def rate(runner: Any) -> float:
    return runner.optim_wrapper.param_groups[0]['lr']


def resumed(folder: Path, iterations: int, **keys: Any) -> tuple[float, str]:
    """The learning rate at the end of a resumed run, and its warnings."""
    runner, said = resumed_by(folder, iterations, **keys)
    return rate(runner), said


def resumed_by(folder: Path, iterations: int, **keys: Any) -> tuple[Any, str]:
    """The runner of a resumed run, and its warnings."""
    runner = toy_runner(folder, iterations, resume=True, **keys)
    said: list[str] = []
    runner.logger.warning = said.append
    runner.train()
    return runner, ' '.join(said)


def test_a_schedule_that_a_resume_does_not_follow_is_named_with_the_difference(
    tmp_path: Path,
) -> None:
    toy_runner(tmp_path, 10, **cosine(10)).train()
    _, said = resumed(tmp_path, 14, **cosine(20))
    assert 'param_scheduler.1.T_max is 16 here and 6 in the checkpoint' in said
    assert 'param_scheduler.1.end is 20 here and 10 in the checkpoint' in said
    assert "default_hooks.checkpoint.schedule='config'" in said


def test_settings_of_the_optimizer_that_a_resume_does_not_follow_are_named(tmp_path: Path) -> None:
    toy_runner(tmp_path, 4).train()
    other = dict(optimizer=dict(type='SGD', lr=0.02, momentum=0.8))
    _, said = resumed(tmp_path, 6, optim_wrapper=other)
    assert 'optimizer.lr is 0.02 here and 0.01 in the checkpoint' in said
    assert 'optimizer.momentum is 0.8 here and 0.9 in the checkpoint' in said


def test_a_schedule_with_another_number_of_parts_is_followed_or_refused(tmp_path: Path) -> None:
    toy_runner(tmp_path, 4).train()
    with pytest.raises(UserError, match=r"other schedulers .*schedule='config'"):
        resumed(tmp_path, 6, **cosine(10))
    _, said = resumed(tmp_path, 6, **cosine(10, checkpoint=dict(schedule='config')))
    assert 'param_scheduler 2 part(s) in place of 1 part(s)' in said


class TwoOptimizers(Toy):
    """Its weight and its bias have an optimizer each."""

    def train_step(self, data: Any, optim_wrapper: Any) -> dict[str, torch.Tensor]:
        loss = self(**self.data_preprocessor(data, True), mode='loss')['loss']
        optim_wrapper['weight'].zero_grad()
        optim_wrapper['bias'].zero_grad()
        loss.backward()
        for one in optim_wrapper.values():
            one.step()
        return dict(loss=loss.detach())


def two_optimizers(rate: float, **keys: Any) -> dict[str, Any]:
    model = TwoOptimizers()
    wrappers = {
        name: OptimWrapper(torch.optim.SGD([parameter], lr=rate))
        for name, parameter in model.linear.named_parameters()
    }
    return dict(model=model, optim_wrapper=OptimWrapperDict(**wrappers), **keys)


def test_each_of_several_optimizers_is_compared_and_followed(tmp_path: Path) -> None:
    toy_runner(tmp_path, 4, **two_optimizers(0.01)).train()
    schedule = dict(type='LinearLR', by_epoch=False, start_factor=0.5, end=4)
    other = dict(param_scheduler=schedule)
    _, said = resumed_by(tmp_path, 6, **two_optimizers(0.02, **other))
    assert 'weight.optimizer.lr is 0.02 here and 0.01 in the checkpoint' in said
    assert 'bias.param_scheduler.0.end is 4 here and 8 in the checkpoint' in said
    follow = dict(schedule='config')
    runner, _ = resumed_by(tmp_path, 8, **two_optimizers(0.02, checkpoint=follow, **other))
    assert runner.optim_wrapper.get_lr()['bias.lr'] == [0.02]


def test_an_unchanged_schedule_is_resumed_in_silence_also_for_more_iterations(
    tmp_path: Path,
) -> None:
    toy_runner(tmp_path, 6, **cosine(10)).train()
    assert resumed(tmp_path, 8, **cosine(10))[1] == ''


def test_a_training_is_lengthened_by_following_the_config(tmp_path: Path) -> None:
    """From the resume on the rate is, to the last bit, that of a run that had this schedule all along."""
    toy_runner(tmp_path / 'short', 10, **cosine(10)).train()
    whole = toy_runner(tmp_path / 'whole', 16, **cosine(20))
    whole.train()
    follow = dict(schedule='config')
    other = dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.8))
    keys = dict(checkpoint=follow, optim_wrapper=other)
    lengthened, said = resumed(tmp_path / 'short', 16, **cosine(20, **keys))
    assert lengthened == rate(whole)
    assert 'optimizer.momentum 0.8 in place of 0.9' in said and 'T_max 16 in place of 6' in said
    # Resumed once more, it is the schedule of the checkpoint.
    assert resumed(tmp_path / 'short', 18, **cosine(20, optim_wrapper=other))[1] == ''


def test_what_else_a_resume_could_follow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="schedule is 'both', expected checkpoint or config"):
        toy_runner(tmp_path, 4, checkpoint=dict(schedule='both'))
