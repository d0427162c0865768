"""Stopping the loaders' workers when a run ends."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader


def close_workers(loader: DataLoader) -> None:
    """Stop the persistent workers of a loader; its next use starts new ones.

    Those that are left to the garbage collector take five seconds each, because it may take the queue
    away by which they are told to stop.
    """
    shut_down = getattr(getattr(loader, '_iterator', None), '_shutdown_workers', None)
    if shut_down:
        shut_down()
    loader._iterator = None


@HOOKS.register_module()
class CloseWorkersHook(Hook):
    """Stop all loader workers at the end of training, validation or testing."""

    priority = 'LOWEST'

    def after_run(self, runner: Runner) -> None:
        """Stop those of the loops that have been used."""
        for name in ('_train_loop', '_val_loop', '_test_loop'):
            loader: Any = getattr(getattr(runner, name, None), 'dataloader', None)
            if isinstance(loader, DataLoader):
                close_workers(loader)
