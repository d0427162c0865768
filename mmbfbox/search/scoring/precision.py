"""Precision of the arithmetic that scores candidates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mmbfbox.errors import UserError

PRECISIONS = ('fp32', 'tf32', 'bf16', 'fp16')
HALF = {'bf16': torch.bfloat16, 'fp16': torch.float16}
"""Precisions whose convolutions compute in another type; fp16 has three more bits, bf16 a larger range."""


def check_precision(precision: str, device: str | torch.device) -> str:
    """Return ``precision`` if the device has it.

    Raises:
        UserError: an unknown precision, or TF32 or FP16 on something else than an NVIDIA GPU.
    """
    if precision not in PRECISIONS:
        raise UserError(f'precision is {precision!r}; set it to one of {", ".join(PRECISIONS)}')
    if precision in ('tf32', 'fp16') and torch.device(device).type != 'cuda':
        raise UserError(
            f'precision is {precision} but the device is {device}; {precision.upper()} needs an NVIDIA '
            f'GPU: set precision to fp32 or bf16'
        )
    return precision


@contextmanager
def float32_arithmetic(precision: str) -> Iterator[None]:
    """Let convolutions in float32 use TF32 unless ``precision`` is ``'fp32'``.

    torch allows it for convolutions by default, so that float32 on a GPU would not mean float32. What comes
    out of the half precisions has no more bits than TF32 keeps.
    """
    earlier = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = precision != 'fp32'
        torch.backends.cuda.matmul.allow_tf32 = precision != 'fp32'
        yield
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = earlier
