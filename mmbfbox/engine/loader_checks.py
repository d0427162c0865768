"""Looking at the loaders before a run waits for them."""

from __future__ import annotations

from typing import Any

from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmbfbox.datasets.sampler import ResumableSampler
from mmbfbox.datasets.shared_memory import check_shared_memory
from mmbfbox.errors import UserError


def check_loaders(runner: Runner) -> None:
    """Refuse a run whose loaders never end or whose batches do not fit into shared memory.

    Args:
        runner: the loops that are going to run are built.

    Raises:
        UserError: a loader is such a one.
    """
    loaders: dict[str, DataLoader[Any]] = {}
    for part in ('train', 'val', 'test'):
        loop = getattr(runner, f'_{part}_loop', None)
        loader = getattr(loop, 'dataloader', None)
        if not isinstance(loader, DataLoader):
            continue
        loaders[f'{part}_dataloader'] = loader
        waits = part != 'train' or isinstance(loop, EpochBasedTrainLoop)
        if waits and isinstance(loader.sampler, ResumableSampler):
            raise UserError(
                f'{part}_dataloader.sampler is a ResumableSampler, which never ends, and '
                f'{type(loop).__name__} waits for its end; take DefaultSampler, or ResumableTrainLoop'
            )
    check_shared_memory(loaders)
