"""Runs that take a moment: noise, one linear layer with dropout, the real loop and hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from mmengine.evaluator import Evaluator
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import Dataset

import mmbfbox.engine  # noqa: F401, registers the loop and the hooks
from mmbfbox.datasets import SampleIndex
from mmbfbox.datasets.randomness import seeded

SIZE = 10


class Noise(Dataset):
    """Numbers drawn from the sample's key; remembers which samples were asked for."""

    metainfo = dict(classes=('face',))

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def __len__(self) -> int:
        return SIZE

    def __getitem__(self, index: SampleIndex) -> dict[str, torch.Tensor]:
        self.asked.append(index.key)
        with seeded(*index.key):
            return dict(inputs=torch.randn(4) + int(index))


class Toy(BaseModel):
    """A linear layer whose inputs are dropped at random."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 1)
        self.inputs: list[torch.Tensor] = []

    def forward(self, inputs, data_samples=None, mode='tensor'):
        inputs = torch.stack(list(inputs))
        self.inputs.append(inputs)
        out = self.linear(nn.functional.dropout(inputs, training=self.training))
        return dict(loss=out.square().mean()) if mode == 'loss' else [out.mean().detach()]


class Score(Evaluator):
    """Counts its validations."""

    def __init__(self) -> None:
        super().__init__([])
        self.validations = 0

    def process(self, data_samples: Any, data_batch: Any = None) -> None:
        pass

    def evaluate(self, size: int) -> dict[str, float]:
        self.validations += 1
        return dict(acc=float(self.validations))


def toy_runner(folder: Path, max_iters: int, validate: int = 0, **keys: Any) -> Runner:
    """A runner that saves every second iteration; with ``validate`` it validates that often."""
    checkpoint = dict(type='SafeCheckpointHook', by_epoch=False, interval=2)
    checkpoint.update(keys.pop('checkpoint', {}))
    loader = dict(batch_size=2, num_workers=0, sampler=dict(type='ResumableSampler'))
    loader |= dict(dataset=Noise(), collate_fn=dict(type='pseudo_collate')) | keys.pop('loader', {})
    torch.manual_seed(0)
    train_cfg = dict(type='ResumableTrainLoop', max_iters=max_iters, val_interval=validate or 10**9)
    if validate:
        keys |= dict(
            val_dataloader=loader
            | dict(dataset=[torch.ones(4)] * 2, sampler=dict(type='DefaultSampler', shuffle=False)),
            val_cfg=dict(type='ValLoop'),
            val_evaluator=Score(),
        )
    return Runner(
        model=keys.pop('model', None) or Toy(),
        work_dir=str(folder),
        train_dataloader=loader,
        train_cfg=train_cfg,
        optim_wrapper=keys.pop(
            'optim_wrapper', dict(optimizer=dict(type='SGD', lr=0.01, momentum=0.9))
        ),
        param_scheduler=keys.pop(
            'param_scheduler', dict(type='LinearLR', by_epoch=False, start_factor=0.5, end=8)
        ),
        default_hooks=dict(checkpoint=checkpoint),
        log_processor=dict(by_epoch=False),
        default_scope='mmdet',
        experiment_name=f'{folder.name}{id(loader)}',
        log_level='WARNING',
        randomness=dict(seed=3),
        **keys,
    )
