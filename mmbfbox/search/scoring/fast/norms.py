"""Batch norm whose statistics are those of the current path and live outside of the supernet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.functional import batch_norm

from mmbfbox.engine.compat import BatchNorm
from mmbfbox.models.backbones.freezing import fixed_norms
from mmbfbox.search.scoring.fast.kernels import normalise_
from mmbfbox.search.scoring.recalibration import batch_norms, pooled_statistics


class Recalibration:
    """What all norms of a model share.

    Attributes:
        running: whether batches are normalised by their own statistics.
        batch: number of the batch that is being computed.
    """

    def __init__(self) -> None:
        self.running = False
        self.batch = 0

    @contextmanager
    def of(self, norms: Sequence[PathNorm], batches: int) -> Iterator[None]:
        """Let the body send so many batches through the model, then pool what these norms saw.

        Raises:
            ScoreError: the activations are not finite.
        """
        widths = [norm.norm.num_features for norm in norms]
        like = norms[0].norm.running_mean
        assert like is not None
        # Mean and variance of each batch: batch_norm writes them where running statistics would go.
        # The norms stand side by side, so that all are pooled at once.
        rows = like.new_zeros(batches, 2, sum(widths))
        for norm, part in zip(norms, rows.split(widths, 2), strict=True):
            norm.rows, norm.counts = part, [0] * batches
        self.running = True
        try:
            yield
            counts = torch.tensor([norm.counts for norm in norms], dtype=torch.float64).T
            counts = counts.repeat_interleave(torch.tensor(widths), 1)
            moments = pooled_statistics(counts, rows[:, 0], rows[:, 1])
            means, variances = (moment.to(rows.dtype).split(widths) for moment in moments)
            for norm, mean, var in zip(norms, means, variances, strict=True):
                norm.pooled = mean, var
        finally:
            self.running = False
            for norm in norms:
                norm.rows = None


class PathNorm(nn.Module):
    """Stands in for a batch norm, and leaves its running statistics alone.

    While recalibrating it normalises each batch by its own statistics, as in training, and notes them;
    otherwise it uses what was pooled of them.

    Args:
        norm: the batch norm; its weight and bias are shared.
        state: what all norms of the model share.

    Attributes:
        pooled: mean and variance, ``(C,)``.
        rows: where mean and variance of each batch are noted, ``(batches, 2, C)``; None notes nothing.
        counts: values in each channel of each batch.
        fused: whether the kernel for GPUs is used.
        relu: whether ReLU is part of it; only if it is fused.
        fixed: whether it is frozen and keeps the supernet's statistics.
    """

    def __init__(self, norm: BatchNorm, state: Recalibration) -> None:
        super().__init__()
        self.norm = norm
        self.state = state
        assert norm.running_mean is not None and norm.running_var is not None
        self.pooled = norm.running_mean, norm.running_var
        self.rows: Tensor | None = None
        self.counts: list[int] = []
        self.fused = self.relu = self.fixed = False

    def forward(self, x: Tensor, residual: Tensor | None = None) -> Tensor:
        """Normalise ``(N, C, H, W)``; if it is fused, add ``residual``, and perhaps overwrite ``x``."""
        norm, recalibrating = self.norm, self.state.running and not self.fixed
        if self.fused:
            mean, var = self._statistics(x) if recalibrating else self.pooled
            return normalise_(x, mean, var, norm.weight, norm.bias, norm.eps, residual, self.relu)
        if not recalibrating:
            return batch_norm(x, *self.pooled, norm.weight, norm.bias, False, 0.0, norm.eps)
        # Momentum 1 replaces the zeros by the statistics of this batch.
        return batch_norm(x, *self._note(x), norm.weight, norm.bias, True, 1.0, norm.eps)

    def _statistics(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of a batch; noted like those of :func:`batch_norm`."""
        mean, var = torch.batch_norm_update_stats(x, *self._note(x), 1.0)
        return mean, var

    def _note(self, x: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Where the statistics of this batch are to be noted."""
        if self.rows is None:
            return None, None
        self.counts[self.state.batch] = x.numel() // x.shape[1]
        mean, var = self.rows[self.state.batch]
        return mean, var


def replace_norms(model: nn.Module) -> Recalibration:
    """Put a :class:`PathNorm` into the place of every batch norm that keeps running statistics.

    Returns:
        What switches them between recalibrating and using the statistics.
    """
    state = Recalibration()
    wanted, fixed = set(batch_norms(model)), fixed_norms(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, BatchNorm) and (child in wanted or child in fixed):
                norm = PathNorm(child, state)
                norm.fixed = child in fixed
                setattr(parent, name, norm)
    return state


def path_norms(module: nn.Module) -> list[PathNorm]:
    """The norms within a module that are recalibrated."""
    return [norm for norm in module.modules() if isinstance(norm, PathNorm) and not norm.fixed]
