"""Stopping the loaders' workers when a run ends."""

from __future__ import annotations

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmbfbox.engine.compat import built_loops, stop_workers


@HOOKS.register_module()
class CloseWorkersHook(Hook):
    """Stop all loader workers at the end of training, validation or testing."""

    priority = 'LOWEST'

    def after_run(self, runner: Runner) -> None:
        """Stop those of the loops that have been used."""
        for loop in built_loops(runner):
            loader = getattr(loop, 'dataloader', None)
            if isinstance(loader, DataLoader):
                stop_workers(loader)
