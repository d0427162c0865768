"""Looking at the loaders before a run waits for them."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from torch.utils.data import DataLoader

from mmbfbox.datasets.sampler import ResumableSampler
from mmbfbox.datasets.shared_memory import check_shared_memory
from mmbfbox.errors import UserError


@HOOKS.register_module()
class CheckLoadersHook(Hook):
    """Refuse a run whose loaders never end or whose batches do not fit into shared memory.

    Raises:
        UserError: at the start of training or testing.
    """

    priority = 'VERY_HIGH'

    def before_run(self, runner: Runner) -> None:
        """Check those of the loops that are going to run."""
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
