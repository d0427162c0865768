"""What training shows while it runs, and that looking changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.hooks import Hook
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.data import Dataset

from mmbfbox.engine import PathSamplingHook, SamplePredictionsHook, WatchHook
from mmbfbox.engine.tensorboard import OptionalTensorboardVisBackend
from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from tests.engine.hooks.test_path_sampling_hook import make_runner

LOGGER = dict(type='LoggerHook', interval=4)


class Pictures(Dataset):
    """Six noise images on the disk, as a pipeline for testing gives them."""

    metainfo = dict(classes=('face',))

    def __init__(self, folder: Path) -> None:
        self.paths = [folder / f'{number}.png' for number in range(6)]
        for number, path in enumerate(self.paths):
            noise = np.random.default_rng(number).integers(0, 255, (128, 128, 3), np.uint8)
            cv2.imwrite(str(path), noise)

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = torch.from_numpy(cv2.imread(str(self.paths[index]))).permute(2, 0, 1)
        sample = DetDataSample(
            metainfo=dict(
                img_shape=(128, 128),
                ori_shape=(128, 128),
                scale_factor=(1, 1),
                img_path=str(self.paths[index]),
            )
        )
        return dict(inputs=image, data_samples=sample)


def train(config, folder, hooks, iterations=8, **keys):
    runner = make_runner(config, folder, hooks, iterations, **keys)
    (logger,) = (hook for hook in runner.hooks if type(hook).__name__ == 'LoggerHook')
    logger.interval = 4
    runner.train()
    return runner


def scalars(folder: Path) -> list[dict]:
    (file,) = folder.glob('*/vis_data/scalars.json')
    return [json.loads(line) for line in file.read_text().splitlines()]


def named(folder: Path, name: str) -> dict[int, float]:
    return {line['step']: line[name] for line in scalars(folder) if name in line}


class Norms(Hook):
    """The gradient norm of every step, computed the plain way."""

    def before_train(self, runner):
        self.norms = []
        step = runner.optim_wrapper.optimizer.step

        def watched(*args, **kwargs):
            grads = [p.grad.flatten() for p in runner.model.parameters() if p.grad is not None]
            self.norms.append(float(torch.cat(grads).norm()))
            return step(*args, **kwargs)

        runner.optim_wrapper.optimizer.step = watched


def test_values_come_at_the_loggers_interval_and_are_right(supernet_config, tmp_path):
    norms = Norms()
    train(supernet_config, tmp_path, [PathSamplingHook(), WatchHook(), norms])
    found = named(tmp_path, 'gradient_norm')
    expected = {4: norms.norms[3], 8: norms.norms[7]}
    assert found == pytest.approx(expected, rel=1e-4)
    for level in range(2, 7):
        values = named(tmp_path, f'attention/p{level}')
        assert set(values) == {4, 8} and all(0 < value < 1 for value in values.values())
    assert all(value > 0 for value in named(tmp_path, 'images_per_second').values())
    assert all(0 <= value < 1 for value in named(tmp_path, 'data_share').values())
    # Loss and learning rate come from mmengine, under the same steps.
    assert set(named(tmp_path, 'loss')) == set(named(tmp_path, 'lr')) == {4, 8}


def test_with_clipping_the_norm_before_clipping_is_the_one_that_is_logged(
    supernet_config, tmp_path
):
    hooks = [PathSamplingHook(), WatchHook()]
    runner = make_runner(supernet_config, tmp_path, hooks, 4)
    (logger,) = (hook for hook in runner.hooks if type(hook).__name__ == 'LoggerHook')
    logger.interval = 4
    runner.optim_wrapper['clip_grad'] = dict(max_norm=1e-3)
    runner.train()
    assert not named(tmp_path, 'gradient_norm') and named(tmp_path, 'grad_norm')[4] > 1e-3


def test_accumulated_gradients_are_measured_when_they_step(supernet_config, tmp_path):
    hooks = [PathSamplingHook(), WatchHook(interval=3)]
    runner = make_runner(supernet_config, tmp_path, hooks, 12)
    runner.optim_wrapper['accumulative_counts'] = 2
    runner.train()
    # Steps are at 2, 4, 6, ...; each reading has one within the last two iterations.
    assert set(named(tmp_path, 'gradient_norm')) == {3, 6, 9, 12}


def test_between_two_readings_nothing_is_read_from_the_device(
    supernet_config, tmp_path, monkeypatch
):
    hook, reads = WatchHook(), []
    train(supernet_config, tmp_path / 'a', [PathSamplingHook(), hook], 4)
    runner = type('R', (), dict(model=torch.nn.Linear(1, 1), message_hub=None))()
    runner.message_hub = type('M', (), dict(log_scalars={}))()
    monkeypatch.setattr(torch.Tensor, 'item', lambda self: reads.append('item'))
    monkeypatch.setattr(torch.Tensor, '__float__', lambda self: reads.append('float') or 0.0)
    for iteration in range(3):
        hook.before_train_iter(runner, iteration)
        hook.after_train_iter(runner, iteration, dict(inputs=torch.zeros(2, 3, 4, 4)))
    assert not reads and hook._images == 6


def test_samples_are_drawn_and_training_goes_on_as_if_they_were_not(supernet_config, tmp_path):
    pictures = Pictures(tmp_path)
    states = []
    for name in ('plain', 'watched'):
        torch.manual_seed(0)
        # Low enough that an untrained network "finds" something.
        samples = SamplePredictionsHook(interval=2, number=3, score=0.005, dataset=pictures)
        hooks = [PathSamplingHook(seed=5), *([samples, WatchHook()] if name == 'watched' else [])]
        runner = train(
            supernet_config, tmp_path / name, hooks, 4, randomness=dict(seed=3),
        )  # fmt: skip
        states.append(runner.model.state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    sheets = sorted((tmp_path / 'watched').glob('*/vis_data/vis_image/predictions_*.png'))
    assert [sheet.name for sheet in sheets] == ['predictions_2.png', 'predictions_4.png']
    # Three images in two columns of 480 pixels.
    assert cv2.imread(str(sheets[0])).shape == (960, 960, 3)
    bns = [module for module in runner.model.modules() if isinstance(module, _BatchNorm)]
    assert all(module.track_running_stats for module in bns)


def test_a_fixed_subnet_is_shown(supernet_config, tmp_path):
    seen = []
    hook = SamplePredictionsHook(interval=1, number=2, seed=7, dataset=Pictures(tmp_path))
    runner = make_runner(supernet_config, tmp_path / 'run', [PathSamplingHook(), hook], 2)
    test_step = runner.model.test_step

    def watched(batch):
        stages = runner.model.backbone.stages
        active = tuple(tuple(slot.active for slot in stage) for stage in stages)
        seen.append((active, runner.model.neck.merges))
        return test_step(batch)

    runner.model.test_step = watched
    runner.train()
    arch = space_of(runner.model).sample(7, 0)
    assert seen == [(arch.stages, arch.merges)] * 2


def test_a_picture_that_cannot_be_drawn_does_not_end_the_training(supernet_config, tmp_path):
    pictures = Pictures(tmp_path)
    hook = SamplePredictionsHook(interval=1, number=2, dataset=pictures)
    runner = make_runner(supernet_config, tmp_path / 'run', [PathSamplingHook(), hook], 3)
    said = []
    runner.logger.warning = said.append
    runner.model.test_step = lambda batch: (_ for _ in ()).throw(ValueError('no such thing'))
    runner.train()
    assert runner.iter == 3 and sum('no such thing' in text for text in said) == 1
    assert runner.model.training


def test_without_images_the_hook_says_so(supernet_config, tmp_path):
    runner = make_runner(
        supernet_config, tmp_path, [PathSamplingHook(), SamplePredictionsHook()], 1
    )
    said = []
    runner.logger.warning = said.append
    runner.train()
    assert any('finds no images' in text for text in said)


def test_images_that_cannot_be_read_do_not_end_the_training(supernet_config, tmp_path):
    class Broken(Pictures):
        def __getitem__(self, index):
            raise UserError('the image is damaged')

    hook = SamplePredictionsHook(dataset=Broken(tmp_path))
    runner = make_runner(supernet_config, tmp_path / 'run', [PathSamplingHook(), hook], 1)
    said = []
    runner.logger.warning = said.append
    runner.train()
    assert runner.iter == 1 and any('the image is damaged' in text for text in said)


def test_images_of_a_wrong_pipeline_do_not_end_the_training(supernet_config, tmp_path):
    pipeline = [dict(type=None, scale=(64, 64))]
    dataset = dict(type='FaceBenchmarkDataset', benchmark='fddb', pipeline=pipeline)
    hook = SamplePredictionsHook(dataset=dataset)
    runner = make_runner(supernet_config, tmp_path / 'run', [PathSamplingHook(), hook], 1)
    said = []
    runner.logger.warning = said.append
    runner.train()
    assert runner.iter == 1 and any('type must be a str' in text for text in said)


def test_nonsense_is_refused():
    for make in (
        lambda: WatchHook(interval=0),
        lambda: SamplePredictionsHook(interval=0),
        lambda: SamplePredictionsHook(number=0),
        lambda: SamplePredictionsHook(seed=-1),
    ):
        with pytest.raises(UserError, match='expected|at least'):
            make()


def test_tensorboard_gets_the_same_scalars(supernet_config, tmp_path):
    accumulator = pytest.importorskip('tensorboard.backend.event_processing.event_accumulator')
    backends = [dict(type='LocalVisBackend'), dict(type='OptionalTensorboardVisBackend')]
    visualizer = dict(type='DetLocalVisualizer', vis_backends=backends, name=tmp_path.name)
    train(supernet_config, tmp_path, [PathSamplingHook(), WatchHook()], 4, visualizer=visualizer)
    (folder,) = tmp_path.glob('*/vis_data')
    events = accumulator.EventAccumulator(str(folder)).Reload()
    for name in ('loss', 'lr', 'gradient_norm', 'attention/p2', 'images_per_second', 'data_share'):
        (event,) = events.Scalars(name)
        assert event.step == 4 and event.value == pytest.approx(named(tmp_path, name)[4], rel=1e-5)


def test_without_tensorboard_training_says_so_and_goes_on(supernet_config, tmp_path, monkeypatch):
    monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
    backends = [dict(type='LocalVisBackend'), dict(type='OptionalTensorboardVisBackend')]
    visualizer = dict(type='DetLocalVisualizer', vis_backends=backends, name=tmp_path.name)
    train(supernet_config, tmp_path, [PathSamplingHook(), WatchHook()], 4, visualizer=visualizer)
    assert not list(tmp_path.glob('*/vis_data/events.out*'))
    backend = OptionalTensorboardVisBackend(str(tmp_path / 'x'))
    backend.add_scalar('a', 1.0)
    backend.close()
