"""How far the statistics that batch norms were trained with are from those of other images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mmbfbox.engine.compat import BatchNorm

Moments = tuple[Tensor, Tensor]
"""Mean and variance of each channel, ``(C,)``."""


def running_moments(layers: Sequence[BatchNorm]) -> list[Moments]:
    """Copies of the running statistics of layers."""
    moments = []
    for layer in layers:
        assert layer.running_mean is not None and layer.running_var is not None
        moments.append((layer.running_mean.clone(), layer.running_var.clone()))
    return moments


def norm_shift(before: Sequence[Moments], after: Sequence[Moments]) -> float:
    """By how many standard deviations two sets of statistics differ, a mean over channels and layers.

    For a channel it is the distance of the means, in standard deviations of ``before``, plus the logarithm
    of the quotient of the standard deviations.

    Args:
        before: moments of each layer that a network was trained with.
        after: those of other images, layer by layer.

    Example:
        >>> one = [(torch.zeros(2), torch.ones(2))]
        >>> norm_shift(one, one), norm_shift(one, [(torch.tensor([0.5, 0.0]), torch.ones(2))])
        (0.0, 0.25)
    """
    layers = []
    for (mean, var), (other_mean, other_var) in zip(before, after, strict=True):
        mean, var = mean.cpu(), var.cpu()
        other_mean, other_var = other_mean.cpu(), other_var.cpu()
        deviation = var.double().clamp(min=1e-12).sqrt()
        other = other_var.double().clamp(min=1e-12).sqrt()
        moved = (other_mean.double() - mean.double()).abs() / deviation
        layers.append((moved + (other / deviation).log().abs()).mean())
    return float(torch.stack(layers).mean()) if layers else 0.0
