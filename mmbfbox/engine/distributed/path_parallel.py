"""Data parallelism for networks of which each step uses a part that all processes know."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.logging import print_log
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn
from torch import distributed as dist

from mmbfbox.engine.distributed.agreement import check_agreement
from mmbfbox.engine.distributed.gradient_reducer import GradientReducer
from mmbfbox.errors import UserError
from mmbfbox.models.searchable import active_arch


@MODEL_WRAPPERS.register_module()
class PathDataParallel(nn.Module):
    """Average the gradients of the active path over the processes, and touch nothing else.

    It takes the place of MMDistributedDataParallel with ``find_unused_parameters=True``, which
    searches the graph in each step and reduces the gradients of every choice, used or not. Use it for
    supernets by ``model_wrapper_cfg=dict(type='PathDataParallel')``; it fits any detector.

    Parameters and buffers of rank 0 are sent to all processes at the start. Batch-norm statistics are
    those of each process, as in mmengine's default, unless the config says ``sync_bn='torch'``.
    Gradients are averaged before ``loss.backward()`` returns, so optimizer wrappers find what one process
    with the joined batch would have computed: gradient scalers unscale, clipping and steps come after it.

    Args:
        module: the detector.
        check_interval: compare path and set of gradients over the processes every so many steps, the
            first included; 0 for never. A check waits for the device. Defaults to 50.
        bucket_mb: without effect, for configs of earlier versions.

    Raises:
        UserError: no process group has been started, a key is out of range, or the processes have built
            different models.
    """

    def __init__(
        self, module: nn.Module, check_interval: int = 50, bucket_mb: float | None = None
    ) -> None:
        super().__init__()
        if check_interval < 0:
            raise UserError(f'check_interval is {check_interval}; expected 0 or more')
        if not dist.is_initialized():
            raise UserError(
                'PathDataParallel needs several processes; start them with tools/dist_train.sh, or '
                'leave model_wrapper_cfg out'
            )
        if bucket_mb is not None:
            said = 'bucket_mb of PathDataParallel has no effect any more: gradients travel together'
            print_log(said, logger='current', level=logging.WARNING)
        self.module: Any = module
        self.check_interval = check_interval
        self.device = next(module.parameters()).device
        state = module.state_dict()
        shapes = [f'{name} {tuple(value.shape)}' for name, value in state.items()]
        advice = 'start all of them with the same config'
        check_agreement('model', '\n'.join(shapes), advice, device=self.device)
        with torch.no_grad():
            for value in (*module.parameters(), *module.buffers()):
                dist.broadcast(value, 0)
        self.reducer = GradientReducer(module.named_parameters())
        self._sync = True
        self._steps = 0

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Run the detector, and prepare for the backward pass where there will be one."""
        if not (torch.is_grad_enabled() and self._sync):
            return self.module(*args, **kwargs)
        check = self.check_interval > 0 and self._steps % self.check_interval == 0
        self._steps += 1
        arch = active_arch(self.module) if check else None
        if arch is not None:
            # Before the forward pass: SyncBN would wait for ever in layers that others do not use.
            advice = 'give every process the same config and the same sampling seed'
            check_agreement('active path', str(arch), advice, device=self.device)
        self.reducer.arm(check)
        return self.module(*args, **kwargs)

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Do not reduce after forward passes in this context: gradients add up in each process."""
        before, self._sync = self._sync, False
        try:
            yield
        finally:
            self._sync = before

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """Forward, backward and update.

        Args:
            data: a batch from the loader.
            optim_wrapper: updates the parameters.

        Returns:
            This process's losses by name.
        """
        with optim_wrapper.optim_context(self):
            batch = self.module.data_preprocessor(data, training=True)
            losses = self(**batch, mode='loss')
        loss, log_vars = self.module.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return log_vars

    def val_step(self, data: Any) -> list[Any]:
        """Predictions of this process's batch."""
        return self.module.val_step(data)

    def test_step(self, data: Any) -> list[Any]:
        """Predictions of this process's batch."""
        return self.module.test_step(data)
