"""Batch-norm statistics of a subnet, computed anew from a fixed list of images.

The running statistics of a supernet mix all the paths that it was trained on, so a subnet needs its own
(paper, section 5.1: 500 training images).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from mmbfbox.errors import UserError
from mmbfbox.search.scoring import ScoreError


@dataclass
class _Moments:
    """Pooled moments of everything that a layer saw; float64, because squares cancel."""

    count: int = 0
    total: Tensor | float = 0.0
    squares: Tensor | float = 0.0

    def add(self, count: int, mean: Tensor, unbiased_var: Tensor) -> None:
        mean, unbiased_var = mean.double(), unbiased_var.double()
        var = unbiased_var * (count - 1) / count if count > 1 else torch.zeros_like(mean)
        self.count += count
        self.total = self.total + count * mean
        self.squares = self.squares + count * (var + mean * mean)

    def statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and unbiased variance of all values at once."""
        mean = torch.as_tensor(self.total) / self.count
        squares = torch.as_tensor(self.squares) / self.count
        var = (squares - mean * mean).clamp(min=0)
        return mean, var * self.count / max(self.count - 1, 1)


def batch_norms(model: nn.Module) -> list[_BatchNorm]:
    """The batch-norm layers of a model that keep running statistics.

    The base class is matched, because on one GPU mmengine replaces SyncBN by a class of its own that is
    no ``BatchNorm2d``.
    """
    modules = (module for module in model.modules() if isinstance(module, _BatchNorm))
    return [module for module in modules if module.track_running_stats]


@torch.no_grad()
def recalibrate(
    model: nn.Module, batches: Iterable[Any], forward: Callable[[Any], object] | None = None
) -> None:
    """Set the running statistics to the pooled moments over all ``batches``.

    The layers run in training mode, so each batch is normalised by its own statistics, as in training.
    What is kept are the moments (count, sum, sum of squares) of all values that the layer saw, and not
    an average of batch variances, which is biased low: by 17 % for batches of two images. Only the
    modules that ``forward`` runs are touched. Modes and momenta are restored, also after an exception.

    Args:
        model: its batch norms are changed in place.
        batches: inputs, in a fixed order and fixed batches.
        forward: runs everything that has batch norms on one batch. Defaults to ``model``.

    Raises:
        UserError: there are no batches.
        ScoreError: a statistic is not finite.
    """
    layers = batch_norms(model)
    if not layers:
        return
    moments = {layer: _Moments() for layer in layers}
    seen: dict[_BatchNorm, int] = {}

    def count(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, _BatchNorm)
        seen[layer] = inputs[0].numel() // inputs[0].shape[1]

    with _batch_statistics(model, layers, count):
        for batch in batches:
            seen.clear()
            (forward or model)(batch)
            for layer, number in seen.items():
                assert layer.running_mean is not None and layer.running_var is not None
                moments[layer].add(number, layer.running_mean, layer.running_var)
    if not any(moment.count for moment in moments.values()):
        raise UserError('there are no images to recalibrate batch norm on; give at least one batch')
    for layer, moment in moments.items():
        if moment.count:
            mean, var = moment.statistics()
            if not (mean.isfinite().all() and var.isfinite().all()):
                raise ScoreError(
                    'the activations of the subnet are not finite; the supernet has diverged: '
                    'train it with a lower learning rate'
                )
            assert layer.running_mean is not None and layer.running_var is not None
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(var)


@contextmanager
def _batch_statistics(
    model: nn.Module,
    layers: list[_BatchNorm],
    count: Callable[[nn.Module, tuple[Tensor, ...]], None],
) -> Iterator[None]:
    """Make each layer's running statistics those of the last batch: momentum 1, training mode."""
    momenta = [layer.momentum for layer in layers]
    modes = {module: module.training for module in model.modules()}
    handles = [layer.register_forward_pre_hook(count) for layer in layers]
    try:
        model.eval()
        for layer in layers:
            layer.train()
            layer.momentum = 1.0
        yield
    finally:
        for handle in handles:
            handle.remove()
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
        for module, mode in modes.items():
            module.training = mode
