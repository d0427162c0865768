"""The loaders of a run: checked before it begins, their workers stopped when it ends."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmbfbox.engine.loader_checks import check_loaders


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
    """Check the loaders before training or testing, and stop all their workers at its end."""

    priority = 'LOWEST'

    def before_run(self, runner: Runner) -> None:
        """Refuse those that would never end or be waited for without end."""
        check_loaders(runner)

    def after_run(self, runner: Runner) -> None:
        """Stop those of the loops that have been used."""
        for name in ('_train_loop', '_val_loop', '_test_loop'):
            loader: Any = getattr(getattr(runner, name, None), 'dataloader', None)
            if isinstance(loader, DataLoader):
                close_workers(loader)
