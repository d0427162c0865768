"""Whether a step's results are those of its settings and inputs, so that stale ones are never used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmbfbox.artifacts.step_record import StepRecord
from mmbfbox.errors import UserError
from mmbfbox.pipeline.inputs import differences, file_hash, inputs_of, settings_of
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.step import Step
from mmbfbox.search.storage.candidates import read_candidates

RECORD = 'step.json'
OLD_RECORD = 'reproduce.json'
"""Name of records of schema 1; they are still read."""

NAMED = 4
"""Settings that a message names, of all that differ."""


class StaleError(UserError):
    """A step's folder holds results that are not those of its settings and inputs."""


def record_of(step: Step, pipeline: Pipeline) -> StepRecord:
    """What a step is made from now."""
    files = inputs_of(step, pipeline)
    return StepRecord(
        command=step.readable_command(pipeline.gpus),
        settings=settings_of(step, pipeline),
        inputs={name: file_hash(path) for name, path in files.items()},
    )


def write_record(step: Step, pipeline: Pipeline) -> None:
    """Note, before a step starts, what it is made from."""
    record_of(step, pipeline).write(step.folder / RECORD)


def find_record(step: Step) -> Path | None:
    """The record in a step's folder."""
    paths = (step.folder / name for name in (RECORD, OLD_RECORD))
    return next((path for path in paths if path.exists()), None)


def check_record(step: Step, pipeline: Pipeline) -> None:
    """Make sure that what is in a step's folder was made from these settings and inputs.

    Raises:
        StaleError: it was not, or nothing says so; the message names what differs and what to do.
    """
    path = find_record(step)
    if path is None:
        if step.folder.is_dir() and any(not p.name.startswith('.') for p in step.folder.iterdir()):
            raise StaleError(
                f'{step.folder} holds results without {RECORD}, which says what they were made from; '
                'move the folder away, choose another --work-dir, or give --redo'
            )
        return
    try:
        then = StepRecord.read(path)
    except UserError as error:
        raise StaleError(str(error)) from error
    now = record_of(step, pipeline)
    different = differences(then.settings, now.settings)
    if different:
        more = f' and {len(different) - NAMED} more' if len(different) > NAMED else ''
        told = ', '.join(different[:NAMED])
        raise _stale(step, f'an older config: {told}{more}', then.hash, now.hash)
    for name, file in inputs_of(step, pipeline).items():
        known, found = then.input_hash(name), now.inputs[name]
        if known is None and file.stat().st_mtime_ns > path.stat().st_mtime_ns:
            # Records of schema 1 lack some inputs; what has not been touched since is the same.
            raise _stale(step, f'an older {name} than the one that is there', 'without it', found)
        if known not in (None, found):
            raise _stale(step, f'another {name} than the one that is there', str(known), found)


def _stale(step: Step, what: str, then: str, now: str) -> StaleError:
    return StaleError(
        f'{step.folder} holds results of {what} (recorded {then}, now {now}); give --redo to make them '
        'anew (the old ones are kept beside them), or choose another --work-dir'
    )


def set_aside(step: Step) -> Path:
    """Rename a step's folder, with all that lies in it, and return where it is now."""
    number = 1
    while (aside := step.folder.with_name(f'{step.folder.name}.stale{number}')).exists():
        number += 1
    step.folder.rename(aside)
    return aside


def state_of(step: Step, anew: Sequence[Path] = ()) -> str:
    """How far a step has come.

    Args:
        step: the step.
        anew: folders of the steps before it that are run.

    Returns:
        ``'done'``, with the name of an input that is going to be made anew, if there is one;
        ``'missing'``; or ``'half-finished'`` with how far it came.
    """
    if step.done.exists():
        doubtful = [path for path in step.inputs if any(path.is_relative_to(one) for one in anew)]
        return f'done, but from {doubtful[0]}, which is made anew' if doubtful else 'done'
    if find_record(step) is None:
        return 'missing'
    last = step.folder / 'last_checkpoint'
    if step.tool == 'train' and last.exists():
        name = Path(last.read_text(errors='replace').strip()).stem[:40]
        return f'half-finished, {name.replace("_", " ")} of {step.done.stem.split("_")[-1]}'
    if step.tool == 'search':
        return f'half-finished, {len(read_candidates(step.folder))} candidates'
    return 'half-finished'
