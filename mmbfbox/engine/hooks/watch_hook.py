"""What training looks like from outside: gradient norm, attention, images per second, data time."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.dist import get_world_size
from mmengine.hooks import Hook, LoggerHook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from torch import Tensor

from mmbfbox.engine.compat import accumulated_iterations
from mmbfbox.errors import UserError
from mmbfbox.models.necks.attention_means import AttentionMeans, attention_means


@HOOKS.register_module()
class WatchHook(Hook):
    """Write what mmengine does not log to the visualizer's backends, like TensorBoard.

    ``gradient_norm`` (before the step; with gradient clipping mmengine logs its own ``grad_norm``, before
    clipping), ``attention/p2`` and so on (mean over the batch; only levels that this iteration's path
    merges), ``images_per_second`` over all processes, and ``data_share``, the part of the time that was
    spent waiting for data. Losses, learning rate and times come from mmengine's LoggerHook.

    Values are read at the logger's interval only: between two readings nothing waits for the GPU. They
    are not kept in checkpoints.

    Args:
        interval: iterations between two readings. Defaults to the interval of the LoggerHook.
    """

    def __init__(self, interval: int | None = None) -> None:
        if interval is not None and interval < 1:
            raise UserError(f'the interval of WatchHook is {interval}, expected 1 or more')
        self.interval = interval
        self._wanted = False
        self._norm: Tensor | None = None
        self._attention: AttentionMeans | None = None
        self._open = ExitStack()
        self._forget()

    def _forget(self) -> None:
        self._images = 0
        self._seconds = self._data_seconds = 0.0

    def before_train(self, runner: Runner) -> None:
        """Find the interval, and look at the gradients from now on."""
        loggers = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self._every = self.interval or (loggers[0] if loggers else 50)
        self._forget()
        optimizer = getattr(runner.optim_wrapper, 'optimizer', None)
        self._clipped = bool(getattr(runner.optim_wrapper, 'clip_grad_kwargs', None))
        self._accumulated = accumulated_iterations(runner.optim_wrapper)
        if isinstance(optimizer, torch.optim.Optimizer) and not self._clipped:
            self._handle = optimizer.register_step_pre_hook(self._before_step)

    def _before_step(self, optimizer: torch.optim.Optimizer, *args: Any) -> None:
        """Keep the norm of all gradients; mixed precision has unscaled them by now."""
        if not self._wanted:
            return
        parameters = [p for group in optimizer.param_groups for p in group['params']]
        norms = [p.grad.detach().float().norm() for p in parameters if p.grad is not None]
        self._norm = torch.stack(norms).norm() if norms else None

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        """Get ready for a reading."""
        left = -(batch_idx + 1) % self._every
        # Of several accumulated iterations only one steps.
        self._wanted = left < self._accumulated
        if left == 0:
            model = runner.model.module if is_model_wrapper(runner.model) else runner.model
            self._open.close()
            self._attention = self._open.enter_context(attention_means(model))

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Count, and read at the interval."""
        inputs = data_batch.get('inputs', ()) if isinstance(data_batch, dict) else ()
        self._images += len(inputs) * get_world_size()
        scalars = runner.message_hub.log_scalars
        if 'train/time' in scalars:
            self._seconds += scalars['train/time'].current()
            self._data_seconds += scalars['train/data_time'].current()
        if not self.every_n_inner_iters(batch_idx, self._every):
            return
        values = {}
        if self._norm is not None:
            values['gradient_norm'] = float(self._norm)
        if self._attention is not None:
            means = self._attention.read()
            values.update({f'attention/{level}': mean for level, mean in means.items()})
        if self._seconds > 0:
            values['images_per_second'] = self._images / self._seconds
            values['data_share'] = self._data_seconds / self._seconds
        runner.visualizer.add_scalars(values, step=runner.iter + 1)
        self._open.close()
        self._norm = self._attention = None
        self._forget()

    def after_train(self, runner: Runner) -> None:
        """Let go of the optimizer and the model."""
        self._open.close()
        if hasattr(self, '_handle'):
            self._handle.remove()
