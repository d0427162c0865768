"""The loaders of a run: checked before it begins, their workers stopped when it ends."""

from __future__ import annotations

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from mmbfbox.engine.compat import built_loops, stop_workers
from mmbfbox.engine.loader_checks import check_loaders


@HOOKS.register_module()
class CloseWorkersHook(Hook):
    """Check the loaders before training or testing, and stop all their workers at its end."""

    priority = 'LOWEST'

    def before_run(self, runner: Runner) -> None:
        """Refuse those that would never end or be waited for without end."""
        check_loaders(runner)

    def after_run(self, runner: Runner) -> None:
        """Stop those of the loops that have been used."""
        for loop in built_loops(runner):
            loader = getattr(loop, 'dataloader', None)
            if isinstance(loader, DataLoader):
                stop_workers(loader)
