"""Batch norm whose statistics are those of the current path and live outside of the supernet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm
from torch.nn.modules.batchnorm import _BatchNorm

from mmbfbox.search.recalibrate import batch_norms, pooled_statistics


@dataclass
class Recalibration:
    """What all norms of a model share.

    Args:
        running: whether batches are normalised by their own statistics.
        batch: number of the batch that is being computed.
    """

    running: bool = False
    batch: int = 0


class PathNorm(nn.Module):
    """Stands in for a batch norm, and leaves its running statistics alone.

    While recalibrating it normalises each batch by its own statistics, as in training, and notes them;
    otherwise it uses what was pooled of them.

    Args:
        norm: the batch norm; its weight and bias are shared.
        state: what all norms of the model share.
    """

    def __init__(self, norm: _BatchNorm, state: Recalibration) -> None:
        super().__init__()
        self.norm = norm
        self.state = state
        self.pooled: tuple[Tensor | None, Tensor | None] = (norm.running_mean, norm.running_var)
        self._counts: list[int] = []
        self._rows = torch.empty(0)

    def begin(self, batches: int) -> None:
        """Make ready to note the statistics of so many batches."""
        assert self.norm.running_mean is not None
        # Mean and variance of each batch: batch_norm writes them where running statistics would go.
        self._rows = self.norm.running_mean.new_zeros(batches, 2, self.norm.num_features)
        self._counts = [0] * batches

    def finish(self) -> None:
        """Pool what was noted.

        Raises:
            ScoreError: the activations are not finite.
        """
        mean, var = pooled_statistics(self._counts, self._rows[:, 0], self._rows[:, 1])
        dtype = self._rows.dtype
        self.pooled = mean.to(dtype), var.to(dtype)
        self._counts = []

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(N, C, H, W)``."""
        norm = self.norm
        if not self.state.running:
            return batch_norm(x, *self.pooled, norm.weight, norm.bias, False, 0.0, norm.eps)
        mean = var = None
        if self._counts:
            mean, var = self._rows[self.state.batch]
            self._counts[self.state.batch] = x.numel() // x.shape[1]
        # Momentum 1 replaces the zeros by the statistics of this batch.
        return batch_norm(x, mean, var, norm.weight, norm.bias, True, 1.0, norm.eps)


def replace_norms(model: nn.Module) -> Recalibration:
    """Put a :class:`PathNorm` into the place of every batch norm that keeps running statistics.

    Returns:
        What switches them between recalibrating and using the statistics.
    """
    state = Recalibration()
    wanted = set(batch_norms(model))
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if child in wanted:
                setattr(parent, name, PathNorm(child, state))
    return state


def path_norms(module: nn.Module) -> list[PathNorm]:
    """The norms within a module."""
    return [norm for norm in module.modules() if isinstance(norm, PathNorm)]
