"""Building networks for their names and shapes alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

_FILLS = {
    torch.Tensor.fill_,
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    torch.Tensor.zero_,
}


class _NoFills(TorchFunctionMode):
    """Leave out what initialises values: on the ``meta`` device that takes as long as all the rest."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func in _FILLS:
            return args[0]
        return func(*args, **(kwargs or {}))


@contextmanager
def without_storage() -> Iterator[None]:
    """What is built inside lies on torch's ``meta`` device: names and shapes of weights, and no values.

    Example:
        >>> with without_storage():
        ...     layer = torch.nn.Linear(1_000_000, 1_000_000)
        >>> layer.weight.shape, layer.weight.is_meta
        (torch.Size([1000000, 1000000]), True)
    """
    with torch.device('meta'), _NoFills():
        yield
