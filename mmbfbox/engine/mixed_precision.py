"""Training in mixed precision: bfloat16 anywhere, float16 on GPUs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine import Config
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from mmbfbox.errors import UserError

PRECISIONS = ('bf16', 'fp16')


@OPTIM_WRAPPERS.register_module()
class BFloat16OptimWrapper(OptimWrapper):
    """Compute convolutions in bfloat16; weights, gradients and the loss stay float32.

    bfloat16 has the range of float32, so there is no loss scale, and with it none of the waits for the
    device by which mmengine's AmpOptimWrapper decides in each step whether to update. It runs on the
    CPU, too. Arguments are those of mmengine's OptimWrapper.
    """

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        """Autocast, and mmengine's context for accumulated gradients."""
        device = next(model.parameters()).device.type
        with super().optim_context(model), torch.autocast(device, dtype=torch.bfloat16):
            yield


def use_mixed_precision(config: Config, precision: str) -> None:
    """Make a config train in mixed precision.

    Args:
        config: changed in place.
        precision: ``'bf16'`` or ``'fp16'``.

    Raises:
        UserError: another precision, or one that this machine cannot compute.
    """
    if precision not in PRECISIONS:
        raise UserError(f'the precision is {precision!r}, expected one of {", ".join(PRECISIONS)}')
    if precision == 'fp16':
        if not torch.cuda.is_available():
            raise UserError(
                'fp16 needs a GPU, and torch sees none; take --amp bf16, or leave it out'
            )
        scaled = dict(type='AmpOptimWrapper', dtype='float16', loss_scale='dynamic')
        config.optim_wrapper.update(scaled)
        return
    if torch.cuda.is_available() and not torch.cuda.is_bf16_supported():
        raise UserError('this GPU does not compute bf16; take --amp fp16, or leave it out')
    config.optim_wrapper.update(type='BFloat16OptimWrapper')
