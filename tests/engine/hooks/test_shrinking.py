"""A supernet whose space shrinks on the way: stopped at random moments, and what a search makes of it."""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import CheckpointHook, Hook

from mmbfbox.engine import PathSamplingHook, load_checkpoint_file, use_safe_loading
from mmbfbox.engine.path_losses import FixedCrops, path_losses
from mmbfbox.engine.shrinking import Shrinking
from mmbfbox.errors import UserError
from mmbfbox.models import active_arch, space_of
from tests.abuse.strategies.configs import ODD
from tests.engine.hooks.test_path_sampling_hook import make_runner

SHRINK = dict(at=[0.2, 0.6], archs=24, crops=2, batch_size=2, sigmas=0.5, keep=2)
ITERATIONS = 10


@pytest.fixture(autouse=True)
def safe_loading() -> None:
    """As the tools have it; these runs have mmengine's own loop and checkpoint hook."""
    use_safe_loading()


@pytest.fixture
def config(supernet_config: Any) -> Any:
    """Two stages of a slot each: four and three choices."""
    model, widths = supernet_config.model, [8, 8]
    model.backbone.update(out_channels=widths, depths=[1, 1], shallow_stages=1)
    model.backbone.update(
        shallow_choices=['conv3', 'conv5', 'dw3', 'dw5'], deep_choices=['conv3', 'dw3', 'dw7']
    )
    model.neck.update(in_channels=widths, targets=[2, 3])
    model.bbox_head.anchor_generator.update(strides=[4, 8])
    return supernet_config


class Stop(Hook):
    """Notes the archs, and stops a run in the middle of an iteration."""

    priority = 'LOWEST'

    def __init__(self, at: int | None = None) -> None:
        self.at = at
        self.archs: dict[int, Any] = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.archs[runner.iter] = active_arch(runner.model)
        if runner.iter == self.at:
            raise KeyboardInterrupt


def train(config: Any, folder: Path, sampling: str, stop: Stop, last: int) -> PathSamplingHook:
    """Train with a checkpoint after each iteration, from the checkpoint of iteration ``last`` on."""
    hook = PathSamplingHook(seed=5, sampling=sampling, shrink=SHRINK)
    # Without shuffling and dropout the seed decides nothing but the weights of the beginning.
    resume: dict[str, Any] = dict(randomness=dict(seed=0))
    resume |= dict(resume=True, load_from=str(folder / f'iter_{last}.pth')) if last else {}
    runner = make_runner(config, folder, [hook, stop], ITERATIONS, **resume)
    (checkpoints,) = (one for one in runner.hooks if isinstance(one, CheckpointHook))
    checkpoints.interval = 1
    runner.train()
    return hook


@pytest.mark.parametrize('sampling', ['uniform', 'fair'])
def test_stopped_at_random_moments_a_run_shrinks_and_ends_as_if_nobody_had_stopped_it(
    sampling, config, tmp_path
):
    whole = Stop()
    hook = train(config, tmp_path / 'whole', sampling, whole, 0)
    assert [one['iteration'] for one in hook.shrunk] == [2, 6]
    assert hook.space.count < hook.space.whole.count
    moments, last, archs = random.Random(0), 0, {}
    stops = sorted(moments.sample(range(1, ITERATIONS), 3))
    for at in [*stops, None]:
        stop = Stop(at)
        try:
            train(config, tmp_path / 'parts', sampling, stop, last)
        except KeyboardInterrupt:
            last = at
        archs |= stop.archs
    assert archs == whole.archs
    # Each is a pure function of seed, iteration and what is left.
    space = space_of_left(hook, 1)
    draw = space.sample_fair if sampling == 'fair' else space.sample
    assert [archs[index] for index in range(6, 10)] == [draw(5, index) for index in range(6, 10)]
    first, second = (
        load_checkpoint_file(tmp_path / name / 'iter_10.pth') for name in ('whole', 'parts')
    )
    assert first['meta']['space'] == second['meta']['space']
    assert first['meta']['path_counts'] == second['meta']['path_counts']
    for name, value in first['state_dict'].items():
        assert torch.equal(value, second['state_dict'][name]), name


def space_of_left(hook: PathSamplingHook, turn: int) -> Any:
    return hook.space.whole.shrunk(hook.shrunk[turn]['allowed'])


def test_measuring_paths_leaves_the_supernet_as_it_was(config, tmp_path):
    runner = make_runner(config, tmp_path, [PathSamplingHook()], 1)
    model, crops = runner.model, FixedCrops(runner, 4, 2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    archs = [space_of(model).sample(0, index) for index in range(6)]
    losses = path_losses(model, archs, crops)
    assert len(set(losses)) > 1
    assert path_losses(model, archs[::-1], crops)[::-1] == pytest.approx(losses, abs=1e-6)
    assert torch.equal(torch.get_rng_state(), state)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_another_way_of_shrinking_is_refused_on_resume(config, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path, 'uniform', Stop(4), 0)
    for settings in (None, {**SHRINK, 'keep': 3}):
        hook = PathSamplingHook(seed=5, shrink=settings)
        resume = dict(resume=True, load_from=str(tmp_path / 'iter_4.pth'))
        with pytest.raises(UserError, match='trained with shrink='):
            make_runner(config, tmp_path, [hook], ITERATIONS, **resume).train()


@pytest.mark.parametrize(
    ('keys', 'sentence'),
    [
        (dict(at=[0.5, 0.3]), 'expected growing shares of training between 0 and 1'),
        (dict(at=[]), 'expected growing shares'),
        (dict(at=0.3), 'expected shares of training like'),
        (dict(archs=0), 'shrink.archs is 0, expected a whole number'),
        (dict(sigmas=-1), 'shrink.sigmas is -1, expected a number of 0 or more'),
        (dict(arch=3), "shrink has the key 'arch'; did you mean archs"),
    ],
)
def test_what_a_config_gets_wrong_is_one_sentence(keys, sentence):
    with pytest.raises(UserError, match=sentence):
        PathSamplingHook(shrink=keys)


@pytest.mark.parametrize('key', [one.name for one in fields(Shrinking)])
def test_odd_values_are_taken_or_named(key: str) -> None:
    refused = 0
    for value in (*ODD, *([value] for value in ODD)):
        try:
            PathSamplingHook(shrink={key: value})
        except UserError as error:
            refused += 1
            assert f'shrink.{key} is ' in str(error)
    assert refused > 20


def test_too_few_paths_for_the_choices_are_one_sentence(config, tmp_path):
    hook = PathSamplingHook(shrink={**SHRINK, 'archs': 5})
    with pytest.raises(UserError, match='shrink.archs is 5, and 11 choices need 18 or more'):
        make_runner(config, tmp_path, [hook], ITERATIONS).train()
