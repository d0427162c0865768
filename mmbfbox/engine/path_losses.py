"""The losses of a few paths of a supernet in training, all on the same crops.

Why losses, and not AP: AP is near zero while choices are still to be dropped, and its noise on a few images
is larger than what one choice does; losses tell paths apart from the beginning. Losses that training
logs would cost nothing, but each is of another crop, whose noise is many times that of a choice. Here all
paths see the same crops, of images that are not trained on, normalised by the crops' own statistics as in
training, so nothing has to be recalibrated.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmdet.registry import DATASETS
from mmengine import dist
from mmengine.dataset import pseudo_collate
from mmengine.runner import Runner
from torch import nn

from mmbfbox.datasets.fixed_samples import FixedSamples
from mmbfbox.datasets.randomness import seeded
from mmbfbox.models import set_arch
from mmbfbox.space import Arch


class FixedCrops:
    """Training crops of images that a supernet is not trained on, each drawn under its own seed.

    They are of the held-out part of the training images; of these themselves, if the config names no parts.

    Args:
        runner: of the training.
        number: how many crops, of different images; fewer where there are fewer images.
        batch_size: crops at once, whose statistics normalise them.
    """

    def __init__(self, runner: Runner, number: int, batch_size: int) -> None:
        config = (runner.cfg.get('train_dataloader') or {}).get('dataset') or {}
        if isinstance(config, dict) and config.get('part') == 'train':
            dataset = DATASETS.build({**copy.deepcopy(config), 'part': 'held_out'})
        else:
            dataset = runner.train_dataloader.dataset
        samples = FixedSamples(dataset, number)
        self._batches = [
            pseudo_collate([samples[place] for place in range(len(samples))[start:][:batch_size]])
            for start in range(0, len(samples), batch_size)
        ]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The batches, as a loader gives them."""
        return iter(copy.deepcopy(self._batches))


@torch.no_grad()
def path_losses(model: nn.Module, archs: Sequence[Arch], crops: FixedCrops) -> list[float]:
    """The mean loss of each path; weights, buffers and random numbers stay as they are.

    Processes share the paths and get the same numbers, to the last bit.

    Args:
        model: the supernet, without its wrapper.
        archs: the paths.
        crops: what all of them see.
    """
    detector: Any = model
    rank, size = dist.get_rank(), dist.get_world_size()
    losses = torch.zeros(len(archs), dtype=torch.float64, device=next(model.parameters()).device)
    with _left_alone(model):
        for number in range(rank, len(archs), size):
            set_arch(model, archs[number])
            values = []
            for batch in crops:
                with seeded(number):
                    data = detector.data_preprocessor(batch, True)
                    found = detector.loss(data['inputs'], data['data_samples'])
                values.append(float(detector.parse_losses(found)[0]))
            losses[number] = sum(values) / len(values)
    dist.all_reduce(losses)
    told: list[float] = losses.tolist()
    return told


@contextmanager
def _left_alone(model: nn.Module) -> Iterator[None]:
    """Training mode, of which no trace is left in the buffers."""
    before = {name: buffer.clone() for name, buffer in model.named_buffers()}
    training = model.training
    model.train()
    try:
        yield
    finally:
        model.train(training)
        for name, buffer in model.named_buffers():
            buffer.copy_(before[name])
