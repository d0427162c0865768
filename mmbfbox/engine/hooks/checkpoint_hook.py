"""Saving checkpoints so that there is always one to go on from."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from mmdet.registry import HOOKS
from mmengine.dist import is_main_process, master_only
from mmengine.fileio import LocalBackend, register_backend
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner

from mmbfbox.engine.checkpoint.changed_settings import changed_settings
from mmbfbox.engine.checkpoint.resumable import (
    check_resumable,
    check_start,
    use_trained_weights,
)
from mmbfbox.engine.checkpoint.resume import checkpoint_to_resume
from mmbfbox.engine.checkpoint.safe_loading import use_safe_loading
from mmbfbox.engine.checkpoint.schedules import Difference, differences, follow_config
from mmbfbox.engine.compat import (
    accumulated_iterations,
    has_loaded,
    is_resuming,
    load_instead,
    wanted_checkpoint,
)
from mmbfbox.errors import UserError
from mmbfbox.utils.files import DiskFullError, atomic_write, remove_temporaries

_BACKEND = 'durable'
_TOLD = 8
"""Changed settings that a warning names."""


class DurableBackend(LocalBackend):
    """Local files that appear under their name when they are on the disk as a whole."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file, or leave what was there.

        Raises:
            UserError: the disk is full, or the folder cannot be written to.
        """
        try:
            with atomic_write(filepath, durable=True) as temporary:
                temporary.write_bytes(obj)
        except (OSError, DiskFullError) as error:
            raise UserError(
                f'cannot write the {len(obj) / 2**20:.0f} MiB of {filepath}: {error.strerror}; the '
                'checkpoint before it is untouched: make room and go on with --resume'
            ) from error


register_backend(_BACKEND, DurableBackend, force=True)


def _listed(changed: list[Difference]) -> str:
    told = [textwrap.shorten(str(one), 160, placeholder=' ...') for one in changed[:_TOLD]]
    more = len(changed) - len(told)
    return ', '.join(told) + (f', and {more} more' if more else '')


class _RemoveLater:
    """A file backend that only notes what is to be removed."""

    def __init__(self, backend: LocalBackend) -> None:
        self.backend = backend
        self.noted: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def remove(self, path: str) -> None:
        """Note ``path``."""
        self.noted.append(path)


@HOOKS.register_module()
class SafeCheckpointHook(CheckpointHook):
    """mmengine's ``CheckpointHook``, made safe against being killed at any moment.

    A checkpoint is written under a temporary name, brought to the disk and renamed; then
    ``last_checkpoint`` is written in the same way; only then old ones are removed. Resuming from a
    damaged checkpoint uses the one before it, with a warning. A run with this hook loads files by
    :func:`~mmbfbox.engine.use_safe_loading`.

    Args:
        *args: as in mmengine's ``CheckpointHook``.
        schedule: whose schedulers and optimizer settings a resumed run has: ``'checkpoint'``, with a
            warning that names what the config has otherwise, or ``'config'``, at the checkpoint's
            position, which is how a training is lengthened. Defaults to ``'checkpoint'``.
        **kwargs: as in mmengine's ``CheckpointHook``.

    Raises:
        UserError: ``schedule`` is something else.
    """

    backend_args: dict[str, Any] | None
    file_backend: Any

    def __init__(self, *args: Any, schedule: str = 'checkpoint', **kwargs: Any) -> None:
        if schedule not in ('checkpoint', 'config'):
            raise UserError(f'schedule is {schedule!r}, expected checkpoint or config')
        self.schedule = schedule
        use_safe_loading()
        super().__init__(*args, **kwargs)

    def before_run(self, runner: Runner) -> None:
        """Choose the checkpoint to resume from.

        Raises:
            UserError: the run is to be resumed, and no checkpoint there can be read.
        """
        if is_resuming(runner) and not has_loaded(runner):
            asked = wanted_checkpoint(runner)
            found = checkpoint_to_resume(
                Path(runner.work_dir), asked, self.filename_tmpl, runner.logger.warning
            )
            load_instead(runner, str(found) if found else None)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Say what a resume does otherwise than the config, and refuse what it cannot go on with.

        Raises:
            UserError: the checkpoint is not that of such a training, or nothing of it fits.
        """
        source = str(wanted_checkpoint(runner))
        if not is_resuming(runner):
            check_start(runner, checkpoint, source)
            return
        if use_trained_weights(runner, checkpoint):
            runner.logger.warning(
                f'{source} has averaged weights, and this config averages none; the training goes on '
                f'with those that were averaged'
            )
        check_resumable(runner, checkpoint, source, self.schedule == 'config')
        self._tell_schedule(runner, checkpoint)
        changed = changed_settings(runner.cfg, checkpoint['meta'], source)
        if changed:
            runner.logger.warning(
                f'the training goes on with other settings than before: {_listed(changed)}'
            )

    def _tell_schedule(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        found = differences(runner, checkpoint)
        if self.schedule == 'config':
            follow_config(runner, checkpoint)
            changed = [f'{name} {here} in place of {there}' for name, here, there in found]
            if changed:
                runner.logger.warning(f'the config changes the schedule: {", ".join(changed)}')
        elif found:
            runner.logger.warning(
                f'the run goes on with the schedule of the checkpoint: {", ".join(map(str, found))}; '
                "set default_hooks.checkpoint.schedule='config' to follow the config from here on"
            )

    def before_train(self, runner: Runner) -> None:
        """Prepare the folder.

        Raises:
            UserError: checkpoints would fall between the iterations of one accumulated gradient.
        """
        if self.backend_args is None and '://' not in str(self.out_dir or ''):
            self.backend_args = dict(backend=_BACKEND)
        super().before_train(runner)
        counts = accumulated_iterations(runner.optim_wrapper)
        if not self.by_epoch and self.interval > 0 and self.interval % counts:
            raise UserError(
                f'default_hooks.checkpoint.interval is {self.interval}, and gradients are '
                f'accumulated over {counts} iterations; set it to a multiple of {counts}, because '
                'a checkpoint holds no half of a gradient'
            )
        if is_main_process() and _BACKEND == (self.backend_args or {}).get('backend'):
            remove_temporaries(Path(self.out_dir) / self.filename_tmpl.format('*'))

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        """Save, note as the last one, remove old ones; mmengine removes them first."""
        outdated: list[int] = []
        if self.max_keep_ckpts > 0:
            kept = [*self.keep_ckpt_ids]
            kept += [step] if step not in kept else []
            outdated = kept[: -self.max_keep_ckpts]
            # With the outdated ones: killed before they are removed, the next run removes them.
            runner.message_hub.update_info('keep_ckpt_ids', kept)
            self.keep_ckpt_ids.extend(kept)
        name = self.filename_tmpl.format(step)
        self.last_ckpt = self.file_backend.join_path(self.out_dir, name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        runner.save_checkpoint(
            self.out_dir,
            name,
            self.file_client_args,
            save_optimizer=self.save_optimizer,
            save_param_scheduler=self.save_param_scheduler,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )
        self._finish(runner, outdated)

    @master_only
    def _finish(self, runner: Runner, outdated: list[int]) -> None:
        with atomic_write(Path(runner.work_dir) / 'last_checkpoint', durable=True) as path:
            path.write_text(str(self.last_ckpt))
        for step in outdated:
            path = self.file_backend.join_path(self.out_dir, self.filename_tmpl.format(step))
            if self.file_backend.isfile(path):
                self.file_backend.remove(path)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        """Save a new best one, if it is, before the old best one is removed."""
        backend = self.file_backend
        later = self.file_backend = _RemoveLater(backend)
        try:
            super()._save_best_checkpoint(runner, metrics)
        finally:
            self.file_backend = backend
        for path in later.noted:
            backend.remove(path)
