"""Data parallelism for networks of which each step uses a part that all ranks know."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn
from torch import distributed as dist
from torch.nn.modules.module import register_module_forward_pre_hook

from benchmarks.training.overlapping.gradient_reducer import MEBIBYTE, GradientReducer
from mmbfbox.engine.distributed.agreement import check_agreement
from mmbfbox.errors import UserError
from mmbfbox.models.searchable import active_arch


@MODEL_WRAPPERS.register_module()
class OverlappingDataParallel(nn.Module):
    """Average the gradients of the active path over the ranks, and touch nothing else.

    It takes the place of MMDistributedDataParallel with ``find_unused_parameters=True``, which
    searches the graph in each step and reduces the gradients of every choice, used or not. Use it for
    supernets by ``model_wrapper_cfg=dict(type='PathDataParallel')``; it fits any detector.

    Parameters and buffers of rank 0 are sent to all ranks at the start. Batch-norm statistics are each
    rank's own, as in mmengine's default, unless the config says ``sync_bn='torch'``. Gradients are
    averaged before ``loss.backward()`` returns, so optimizer wrappers find what one process with the
    joined batch would have computed: gradient scalers unscale, clipping and steps come after it.

    Args:
        module: the detector.
        check_interval: compare path and set of gradients over the ranks every so many steps, the first
            included; 0 for never. A check waits for the device. Defaults to 50.
        bucket_mb: mebibytes of a bucket; a smaller one overlaps more of the reduction with the backward
            pass. Defaults to 16.

    Raises:
        UserError: no process group has been started, a key is out of range, or the ranks have built
            different models.
    """

    def __init__(
        self, module: nn.Module, check_interval: int = 50, bucket_mb: float = 16.0
    ) -> None:
        super().__init__()
        if check_interval < 0 or bucket_mb <= 0:
            raise UserError(
                f'check_interval is {check_interval} and bucket_mb {bucket_mb}; expected 0 or more '
                f'and a positive number'
            )
        if not dist.is_initialized():
            raise UserError(
                'PathDataParallel needs several processes; start them with tools/dist_train.sh, or '
                'leave model_wrapper_cfg out'
            )
        self.module = module
        self.check_interval = check_interval
        self.device = next(module.parameters()).device
        shapes = [f'{name} {tuple(value.shape)}' for name, value in module.state_dict().items()]
        advice = 'start all of them with the same config'
        check_agreement('model', '\n'.join(shapes), advice, device=self.device)
        with torch.no_grad():
            _broadcast([*module.parameters(), *module.buffers()], int(bucket_mb * MEBIBYTE))
        self.reducer = GradientReducer(module.named_parameters(), bucket_mb=bucket_mb)
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
            advice = 'give every rank the same config and the same sampling seed'
            check_agreement('active path', str(arch), advice, device=self.device)
        used: dict[int, None] = {}

        def record(module: nn.Module, inputs: Any) -> None:
            for parameter in module._parameters.values():
                index = None if parameter is None else self.reducer.index_of(parameter)
                if index is not None:
                    used.setdefault(index)

        with register_module_forward_pre_hook(record):
            outputs = self.module(*args, **kwargs)
        self.reducer.arm(list(used), check)
        return outputs

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Do not reduce after forward passes in this context: gradients add up on each rank."""
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
            This rank's losses by name.
        """
        with optim_wrapper.optim_context(self):
            batch = self.module.data_preprocessor(data, training=True)
            losses = self(**batch, mode='loss')
        loss, log_vars = self.module.parse_losses(losses)
        optim_wrapper.update_params(loss)
        return log_vars

    def val_step(self, data: Any) -> list:
        """Predictions of this rank's batch."""
        return self.module.val_step(data)

    def test_step(self, data: Any) -> list:
        """Predictions of this rank's batch."""
        return self.module.test_step(data)


def _broadcast(tensors: list[Tensor], size: int) -> None:
    """Copy rank 0's values to all ranks, in pieces of about ``size`` bytes."""
    pieces: list[list[Tensor]] = []
    for tensor in sorted(tensors, key=lambda tensor: str(tensor.dtype)):
        last = pieces[-1] if pieces else []
        if not last or last[0].dtype != tensor.dtype or sum(t.nbytes for t in last) > size:
            pieces.append([])
        pieces[-1].append(tensor)
    for piece in pieces:
        flat = torch.cat([tensor.reshape(-1) for tensor in piece])
        dist.broadcast(flat, 0)
        parts = flat.split([tensor.numel() for tensor in piece])
        for tensor, part in zip(piece, parts, strict=True):
            tensor.copy_(part.view(tensor.shape))
