"""Precision of the arithmetic that scores candidates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmbfbox.errors import UserError

PRECISIONS = ('fp32', 'tf32', 'bf16')


def check_precision(precision: str, device: str | torch.device) -> str:
    """Return ``precision`` if the device has it.

    Raises:
        UserError: an unknown precision, or TF32 on something else than an NVIDIA GPU.
    """
    if precision not in PRECISIONS:
        raise UserError(f'precision is {precision!r}; set it to one of {", ".join(PRECISIONS)}')
    if precision == 'tf32' and torch.device(device).type != 'cuda':
        raise UserError(
            f'precision is tf32 but the device is {device}; TF32 needs an NVIDIA GPU: set precision to '
            f'fp32 or bf16'
        )
    return precision


@contextmanager
def float32_arithmetic(precision: str) -> Iterator[None]:
    """Let convolutions in float32 use TF32 exactly if ``precision`` says so.

    torch allows it for convolutions by default, so that float32 on a GPU would not mean float32.
    """
    earlier = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = precision == 'tf32'
        torch.backends.cuda.matmul.allow_tf32 = precision == 'tf32'
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = earlier
