"""Losses and gradient norms for the log, read from the device only when somebody looks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from torch import Tensor

from mmbfbox.engine.hooks.loss_guard_hook import is_saved_after
from mmbfbox.errors import UserError


@HOOKS.register_module()
class DeferredInfoHook(RuntimeInfoHook):
    """mmengine's ``RuntimeInfoHook`` without a wait for the device in each step.

    mmengine turns every loss and, with gradient clipping, the gradient norm into a Python number after
    each iteration, and the GPU runs dry meanwhile. Here they stay tensors until a logger or a checkpoint
    follows, and all go over in one copy. Logs and checkpoints hold the same numbers in the same order.

    It takes the place of mmengine's hook by ``default_hooks=dict(runtime_info=dict(type=...))``.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[str, Tensor]] = []

    def before_train(self, runner: Runner) -> None:
        """Take the gradient norm from the optimizer wrapper before it is read.

        Raises:
            UserError: gradients cannot be clipped as ``clip_grad`` says.
        """
        super().before_train(runner)
        self._waiting = []
        for wrapper in _wrappers(runner.optim_wrapper):
            if wrapper.clip_grad_kwargs and not isinstance(wrapper.clip_func, _KeptNorm):
                _try_clipping(wrapper)
                wrapper.clip_func = _KeptNorm(wrapper.clip_func)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict[str, Any] | None = None,
    ) -> None:
        """Note this iteration's values, and read all that were noted if they are wanted now."""
        for wrapper in _wrappers(runner.optim_wrapper):
            norm = wrapper.clip_func.take() if wrapper.clip_grad_kwargs else None
            if norm is not None:
                self._note(f'train/{wrapper.grad_name}', norm)
        for name, value in (outputs or {}).items():
            if isinstance(value, Tensor):
                self._note(f'train/{name}', value)
            else:
                runner.message_hub.update_scalar(f'train/{name}', value)
        known = runner.message_hub.log_scalars
        # At once in the first iteration: the log has its columns in the order of their arrival.
        if (
            any(name not in known for name, _ in self._waiting)
            or self._is_logged(runner, batch_idx)
            or is_saved_after(runner)
        ):
            self._read(runner)

    def before_val(self, runner: Runner) -> None:
        """Read: the best checkpoint may be saved after a validation."""
        self._read(runner)
        super().before_val(runner)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """A checkpoint that nobody announced has been filled with what was read by then."""
        if self._waiting:
            self._read(runner)
            checkpoint['message_hub'] = runner.message_hub.state_dict()

    def after_train(self, runner: Runner) -> None:
        """Read what is left."""
        self._read(runner)
        super().after_train(runner)

    def _note(self, name: str, value: Tensor) -> None:
        self._waiting.append((name, value.detach()))

    def _is_logged(self, runner: Runner, batch_idx: int) -> bool:
        """Whether a logger looks at this iteration."""
        return any(
            self.every_n_inner_iters(batch_idx, hook.interval)
            or self.end_of_epoch(runner.train_dataloader, batch_idx)
            for hook in runner.hooks
            if isinstance(hook, LoggerHook)
        )

    def _read(self, runner: Runner) -> None:
        """Hand all values over, in their order; waits for the device once."""
        waiting, self._waiting = self._waiting, []
        places: dict[torch.device, list[int]] = defaultdict(list)
        for place, (_, value) in enumerate(waiting):
            places[value.device].append(place)
        numbers = [0.0] * len(waiting)
        for on_device in places.values():
            # float64 holds every float32 exactly: the log has the numbers that item() would give.
            values = torch.stack([waiting[place][1].reshape(()).double() for place in on_device])
            for place, number in zip(on_device, values.tolist(), strict=True):
                numbers[place] = number
        for (name, _), number in zip(waiting, numbers, strict=True):
            runner.message_hub.update_scalar(name, number)


def _try_clipping(wrapper: OptimWrapper) -> None:
    """Clip a gradient of one number, so that wrong settings are found before the first step."""
    parameter = torch.zeros(1, requires_grad=True)
    parameter.grad = torch.ones(1)
    try:
        wrapper.clip_func([parameter], **wrapper.clip_grad_kwargs)
    except Exception as error:  # whatever torch makes of it
        raise UserError(
            f'optim_wrapper.clip_grad is {wrapper.clip_grad_kwargs}, by which gradients cannot be clipped '
            f'({str(error)[:150]}); write it like dict(max_norm=35, norm_type=2)'
        ) from error


class _KeptNorm:
    """Clips gradients and keeps their norm, where mmengine's wrapper would read it at once."""

    def __init__(self, clip: Callable[..., Tensor | None]) -> None:
        self._clip = clip
        self._norm: Tensor | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        self._norm = self._clip(*args, **kwargs)

    def take(self) -> Tensor | None:
        """The norm since the last call, if there was an update."""
        norm, self._norm = self._norm, None
        return norm


def _wrappers(optim_wrapper: Any) -> Iterable[OptimWrapper]:
    """The wrappers of one or of several optimizers."""
    return [optim_wrapper] if isinstance(optim_wrapper, OptimWrapper) else optim_wrapper.values()
