"""Whether the batches of loader workers fit into the shared memory that they are handed over in.

Where they do not, as in a container with its 64 MB, torch's worker writes an error into the terminal and
goes on, and the training waits for a batch that never comes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine.structures import BaseDataElement
from torch import Tensor
from torch.utils.data import DataLoader

from mmbfbox.datasets.randomness import seeded
from mmbfbox.errors import UserError

FOLDER = Path('/dev/shm')
_PAGE = 4096
_MB = 2**20


def free_shared_memory() -> int | None:
    """Free bytes of shared memory, or None where the system has no such folder."""
    return shutil.disk_usage(FOLDER).free if FOLDER.is_dir() else None


def check_shared_memory(loaders: Mapping[str, DataLoader[Any]]) -> None:
    """Compare what the workers may hold at the same time with what is free.

    That is workers x batches ahead, and the batch in use, for each loader and each process of this host.
    A batch is taken to be as large as the first image's sample times the batch size.

    Args:
        loaders: name in the config to loader; those without workers need nothing.

    Raises:
        UserError: it does not fit.
    """
    free = free_shared_memory()
    if free is None:
        return
    processes = int(os.environ.get('LOCAL_WORLD_SIZE', 1))
    needed, parts = 0, []
    for name, loader in loaders.items():
        if not loader.num_workers:
            continue
        batch = _batch_bytes(loader)
        ahead = loader.num_workers * (loader.prefetch_factor or 2) + 1
        needed += processes * ahead * batch
        parts.append(f'{ahead} batches of {batch / _MB:.1f} MB in {name}')
    if needed <= free:
        return
    times = f'{processes} processes with ' if processes > 1 else ''
    raise UserError(
        f'{FOLDER} has {free / _MB:.0f} MB free, and the loaders may need {needed / _MB:.0f} MB of '
        f'it ({times}{", ".join(parts)}); give the container more (docker run --shm-size=8g), or '
        f'lower num_workers or batch_size'
    )


def _batch_bytes(loader: DataLoader[Any]) -> int:
    """Bytes of shared memory that a batch takes; 0 if its first sample cannot be made."""
    try:
        with seeded(0):
            sample = loader.dataset[0]
    except Exception:  # the run itself meets it, and says more about it
        return 0
    size = sum(-(-t.numel() * t.element_size() // _PAGE) * _PAGE for t in _tensors(sample))
    return size * _batch_size(loader.batch_sampler)


def _batch_size(batches: Any) -> int:
    """Of a batch sampler, or of the lists of indices that stand for one."""
    if isinstance(batches, Sequence):
        return max(map(len, batches), default=1)
    return int(getattr(batches, 'batch_size', None) or 1)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, BaseDataElement):
        for item in value.all_values():
            yield from _tensors(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(getattr(value, 'tensor', None), Tensor):  # mmdet's boxes
        yield value.tensor
