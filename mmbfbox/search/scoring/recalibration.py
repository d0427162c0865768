"""Batch-norm statistics of a subnet, computed anew from a fixed list of images.

The running statistics of a supernet mix all the paths that it was trained on, so a subnet needs its own
(paper, section 5.1: 500 training images).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from mmbfbox.engine.compat import BatchNorm
from mmbfbox.errors import UserError
from mmbfbox.models.backbones.freezing import fixed_norms
from mmbfbox.search.scoring.interface import ScoreError


def pooled_statistics(
    counts: Sequence[int] | Tensor, means: Tensor, variances: Tensor
) -> tuple[Tensor, Tensor]:
    """Mean and unbiased variance of all values at once, from those of each batch.

    Pooled are the moments (count, sum, sum of squares), in float64, because squares cancel.

    Args:
        counts: values that each of the B batches has in a channel, ``(B,)``; or, of layers side by side,
            in each channel, ``(B, C)``.
        means: ``(B, C)``, mean of each batch and channel.
        variances: ``(B, C)``, unbiased variance of each batch and channel.

    Returns:
        Mean and variance, ``(C,)``, float64.

    Raises:
        ScoreError: one is not finite.
    """
    count = torch.as_tensor(counts, dtype=torch.float64, device=means.device)
    count = count if count.dim() == 2 else count.unsqueeze(1)
    total = count.sum(0)
    # A single value has no unbiased variance.
    biased = (variances.double() * (count - 1) / count).where(count > 1, 0.0)
    mean = (count * means.double()).sum(0) / total
    squares = (count * (biased + means.double().square())).sum(0) / total
    var = (squares - mean.square()).clamp(min=0) * total / (total - 1).clamp(min=1)
    if not (mean.isfinite().all() and var.isfinite().all()):
        raise ScoreError(
            'the activations of the subnet are not finite; the supernet has diverged: '
            'train it with a lower learning rate'
        )
    return mean, var


def batch_norms(model: nn.Module) -> list[BatchNorm]:
    """The batch-norm layers of a model that keep running statistics, and are not frozen.

    What a backbone's ``frozen_stages`` or ``norm_eval`` keeps in training was trained with just these
    statistics.

    The base class is matched, because on one GPU mmengine replaces SyncBN by a class of its own that is
    no ``BatchNorm2d``.
    """
    fixed = fixed_norms(model)
    modules = (m for m in model.modules() if isinstance(m, BatchNorm) and m not in fixed)
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
    seen: dict[BatchNorm, list[tuple[int, Tensor, Tensor]]] = {layer: [] for layer in layers}

    def note(layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        assert isinstance(layer, BatchNorm)
        assert layer.running_mean is not None and layer.running_var is not None
        count = inputs[0].numel() // inputs[0].shape[1]
        seen[layer].append((count, layer.running_mean.clone(), layer.running_var.clone()))

    with _batch_statistics(model, layers, note):
        for batch in batches:
            (forward or model)(batch)
    if not any(seen.values()):
        raise UserError('there are no images to recalibrate batch norm on; give at least one batch')
    for layer, noted in seen.items():
        if noted:
            counts, means, variances = zip(*noted, strict=True)
            mean, var = pooled_statistics(counts, torch.stack(means), torch.stack(variances))
            assert layer.running_mean is not None and layer.running_var is not None
            layer.running_mean.copy_(mean)
            layer.running_var.copy_(var)


@contextmanager
def _batch_statistics(
    model: nn.Module,
    layers: list[BatchNorm],
    note: Callable[[nn.Module, tuple[Tensor, ...], Tensor], None],
) -> Iterator[None]:
    """Make each layer's running statistics those of the last batch: momentum 1, training mode."""
    momenta = [layer.momentum for layer in layers]
    modes = {module: module.training for module in model.modules()}
    handles = [layer.register_forward_hook(note) for layer in layers]
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
