"""Counting the images that could not be read, over all loader workers and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mmdet.registry import HOOKS
from mmengine.dist import all_gather_object, get_world_size
from mmengine.hooks import Hook
from mmengine.runner import Runner

from mmbfbox.engine.compat import is_resuming

_SHARE_EVERY = 500


@HOOKS.register_module()
class SkippedImagesHook(Hook):
    """Collect the paths of skipped images and report them at the end of training.

    The data set replaces an image that it cannot read by another one and writes its path into the
    sample's ``skipped``, because the loader's workers cannot count together. Ranks share what they
    found every 500 iterations; checkpoints carry the list. Test images that could not be read are
    reported at the end of the test.

    Args:
        shown: how many paths the report names. Defaults to 20.
    """

    def __init__(self, shown: int = 20) -> None:
        self.shown = shown
        self.paths: set[str] = set()
        self._unreadable: set[str] = set()

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
        if self.every_n_train_iters(runner, _SHARE_EVERY):
            self._share()

    def _share(self) -> None:
        if get_world_size() > 1:
            self.paths.update(*all_gather_object(sorted(self.paths)))

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: Any = None,
    ) -> None:
        """Note which images of a validation or test could not be read."""
        for sample in outputs or ():
            if 'unreadable' in sample:
                self._unreadable.add(str(sample.img_path))

    after_test_iter = after_val_iter

    def after_val_epoch(self, runner: Runner, metrics: Any = None) -> None:
        """Report them: they are part of the result."""
        paths = sorted(set().union(*all_gather_object(self._unreadable)))
        self._unreadable.clear()
        if paths:
            runner.logger.warning(
                f'{len(paths)} test images could not be read and count as images without detections: '
                f'{_named(paths, self.shown)}'
            )

    after_test_epoch = after_val_epoch

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Note the paths so far."""
        checkpoint['meta']['skipped_images'] = sorted(self.paths)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Go on from the paths noted."""
        if is_resuming(runner):
            self.paths.update(checkpoint.get('meta', {}).get('skipped_images', ()))

    def after_train(self, runner: Runner) -> None:
        """Report."""
        self._share()
        if not self.paths:
            return
        runner.logger.warning(
            f'{len(self.paths)} training images could not be read and were skipped; replace or remove '
            f'them: {_named(sorted(self.paths), self.shown)}'
        )


def _named(paths: Sequence[str], shown: int) -> str:
    rest = len(paths) - shown
    return ', '.join(paths[:shown]) + (f' and {rest} more' if rest > 0 else '')
