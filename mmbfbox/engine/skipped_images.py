"""Counting the images that could not be read, over all loader workers."""

from __future__ import annotations

from typing import Any

from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.runner import Runner


@HOOKS.register_module()
class SkippedImagesHook(Hook):
    """Collect the paths of skipped images and report them at the end of training.

    The data set replaces an image that it cannot read by another one and writes its path into the
    sample's ``skipped``, because the loader's workers cannot count together.

    Args:
        shown: how many paths the report names. Defaults to 20.
    """

    def __init__(self, shown: int = 20) -> None:
        self.shown = shown
        self.paths: set[str] = set()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Note what this batch replaced."""
        for sample in (data_batch or {}).get('data_samples', []):
            self.paths.update(sample.metainfo.get('skipped', ()))

    def after_train(self, runner: Runner) -> None:
        """Report."""
        if not self.paths:
            return
        shown = sorted(self.paths)[: self.shown]
        rest = len(self.paths) - len(shown)
        runner.logger.warning(
            f'{len(self.paths)} training images could not be read and were skipped; replace or remove '
            f'them: {", ".join(shown)}' + (f' and {rest} more' if rest else '')
        )
