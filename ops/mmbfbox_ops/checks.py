"""What every operator asks of its input."""

from __future__ import annotations

import torch
from torch import Tensor


def check_float32(tensor: Tensor, operator: str) -> None:
    """Refuse other types, as the compiled operators do.

    Raises:
        RuntimeError: ``tensor`` is not float32.
    """
    if tensor.dtype != torch.float32:
        raise RuntimeError(
            f'{operator} takes float32 boxes, and these are {tensor.dtype}; convert them with .float()'
        )
