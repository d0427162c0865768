"""Finding what waits for the device: values and data-dependent shapes that a program asks for.

On the CPU nothing has to be waited for, but the same operations run that would wait on a GPU.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

WAITING = (
    'aten::_local_scalar_dense',
    'aten::nonzero',
    'aten::masked_select',
    'aten::is_nonzero',
    'aten::equal',
    'aten::_unique2',
    'aten::unique_dim',
)


# What looks like a wait on the CPU, and is none on a GPU: mmengine computes the size of a batch from shapes,
# and the order of the images on the CPU.
HARMLESS = ('mmengine/model/utils.py', 'mmengine/dataset/sampler.py')
METHODS = ('tolist', 'numpy', 'cpu')


class _Count(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.reads: list[str] = []

    def note(self, name: str) -> None:
        lines = [f'{f.filename}:{f.lineno}' for f in traceback.extract_stack()[:-2]]
        if not any(part in line for part in HARMLESS for line in lines):
            own = [line for line in lines if 'site-packages/torch' not in line]
            self.reads.append(f'{name} at {own[-1]}')

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        name = func._schema.name
        masked = name in ('aten::index', 'aten::index_put_', 'aten::index_put') and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in WAITING or masked:
            self.note(name)
        return func(*args, **(kwargs or {}))


@contextmanager
def counted_reads() -> Iterator[list[str]]:
    """Within the block: what is asked of the device, and where."""
    count = _Count()

    def watched(method: Any) -> Any:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            count.note(method.__name__)
            return method(*args, **kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch, count:
        for name in METHODS:
            patch.setattr(torch.Tensor, name, watched(getattr(torch.Tensor, name)))
        yield count.reads
