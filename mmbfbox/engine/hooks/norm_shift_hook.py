"""A warning when a detector's batch norm sees other images in a test than it saw in training."""

from __future__ import annotations

from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner
from torch import Tensor, nn

from mmbfbox.engine.compat import BatchNorm
from mmbfbox.engine.norm_shift import Moments, norm_shift

WARN = 0.15
"""Standard deviations. A guess: what it costs differs from network to network (docs/evaluation.md)."""


@HOOKS.register_module()
class NormShiftHook(Hook):
    """Compare what batch norms see of the first test images with their running statistics.

    Args:
        batches: test batches that are looked at. Defaults to 16.
    """

    def __init__(self, batches: int = 16) -> None:
        self.batches = batches
        self._handles: list[Any] = []
        self._seen: dict[BatchNorm, list[tuple[int, Tensor, Tensor]]] = {}

    def before_test(self, runner: Runner) -> None:
        """Begin to look."""
        layers = (module for module in runner.model.modules() if isinstance(module, BatchNorm))
        self._seen = {layer: [] for layer in layers if layer.track_running_stats}
        self._handles = [layer.register_forward_pre_hook(self._note) for layer in self._seen]

    def _note(self, layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, BatchNorm)
        values = inputs[0].detach().float()
        sides = [0, 2, 3][: values.dim() - 1]
        var, mean = torch.var_mean(values, dim=sides)
        self._seen[layer].append((values.numel() // values.shape[1], mean, var))

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Stop looking after enough batches."""
        if batch_idx + 1 >= self.batches:
            self._stop()

    def after_test(self, runner: Runner) -> None:
        """Say what was seen."""
        self._stop()
        pairs = [(layer, _pooled(noted)) for layer, noted in self._seen.items() if noted]
        if not pairs:
            return
        before = [(layer.running_mean, layer.running_var) for layer, _ in pairs]
        shift = norm_shift(before, [moments for _, moments in pairs])  # type: ignore[arg-type]
        if shift > WARN:
            print_log(
                f'batch norm was trained on other statistics than it meets here: they differ by '
                f'{shift:.2f} standard deviations on average; --norm-statistics images and crops show '
                f'what that changes',
                logger='current',
                level=30,
            )

    def _stop(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []


def _pooled(noted: list[tuple[int, Tensor, Tensor]]) -> Moments:
    """Moments of all values at once, from those of each batch."""
    counts = torch.tensor([count for count, _, _ in noted], dtype=torch.float64)[:, None]
    means = torch.stack([mean for _, mean, _ in noted]).double().cpu()
    variances = torch.stack([var for _, _, var in noted]).double().cpu()
    mean = (counts * means).sum(0) / counts.sum()
    var = (counts * (variances + means.square())).sum(0) / counts.sum() - mean.square()
    return mean, var
