"""Which checkpoint a run goes on from."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from mmengine import Config

from mmbfbox.engine.checkpoint.loading import DamagedCheckpointError, load_checkpoint_file
from mmbfbox.errors import UserError


def checkpoint_to_resume(
    work_dir: Path, asked: str | None, template: str, warn: Callable[[str], object]
) -> Path | str | None:
    """The checkpoint that was asked for, else the last one; if it is damaged, the one before it.

    Args:
        work_dir: where the run writes ``last_checkpoint``.
        asked: a path, or ``None`` for the last one. A URL is returned as it is.
        template: name of the checkpoints, with ``{}`` for the step.
        warn: is told about damaged ones.

    Returns:
        A checkpoint that can be read, or ``None`` if there has never been one.

    Raises:
        UserError: the one asked for does not exist, one holds a forbidden type, or all are damaged.
    """
    if asked and '://' in asked:
        return asked
    newest = Path(asked).expanduser() if asked else _last(work_dir, template)
    if newest is None:
        return None
    damage = ''
    for path in [newest, *_older(newest, template)]:
        try:
            load_checkpoint_file(path)
        except DamagedCheckpointError as error:
            damage = damage or str(error)
            warn(f'{error}; trying the one before it')
            continue
        if damage:
            warn(f'going on from {path} instead of {newest}')
        return path
    raise UserError(
        f'no checkpoint in {newest.parent} can be read ({damage}); train from the start'
    )


def set_resume(config: Config, asked: str) -> None:
    """Let a training resume.

    Args:
        config: of the training, with its ``work_dir``; ``resume`` and ``load_from`` are changed.
        asked: a checkpoint, or ``'auto'`` for the last one of the work dir. Where there is none yet, a
            training that has ``load_from`` starts from these weights.
    """
    auto = asked == 'auto'
    hook = config.get('default_hooks', {}).get('checkpoint', {})
    template = hook.get('filename_tmpl') or 'iter_{}.pth'
    if auto and config.get('load_from') and _last(Path(config.work_dir), template) is None:
        config.resume = False
        return
    config.resume = True
    config.load_from = None if auto else asked


def _last(work_dir: Path, template: str) -> Path | None:
    """What ``last_checkpoint`` names, found also after the folder was moved; else the newest file."""
    note = work_dir / 'last_checkpoint'
    named = Path(note.read_text(errors='replace').strip() if note.is_file() else '')
    for path in (named, work_dir / named.name):
        if named.name and _is_file(path):
            return path
    steps = _steps(work_dir, template)
    return steps[max(steps)] if steps else None


def _is_file(path: Path) -> bool:
    """Whether there is such a file; what can be no path, as a damaged note may hold, is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _older(path: Path, template: str) -> list[Path]:
    """The checkpoints beside ``path`` with a lower step, the newest first."""
    steps = _steps(path.parent, template)
    own = next((step for step, other in steps.items() if other.name == path.name), None)
    return [steps[step] for step in sorted(steps, reverse=True) if own is not None and step < own]


def _steps(folder: Path, template: str) -> dict[int, Path]:
    pattern = re.compile(re.escape(template).replace(re.escape('{}'), r'(\d+)'))
    matches = ((pattern.fullmatch(path.name), path) for path in folder.glob('*'))
    return {int(match[1]): path for match, path in matches if match}
