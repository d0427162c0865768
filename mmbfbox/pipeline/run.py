"""Runs the steps of a pipeline that are missing, each as a command of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.records import StaleError, check_record, set_aside, state_of, write_record
from mmbfbox.pipeline.step import Step
from mmbfbox.pipeline.trainings import write_training_record
from mmbfbox.utils.config import config_text
from mmbfbox.utils.files import atomic_write, make_writable_dir
from mmbfbox.utils.parent import PARENT


class StepFailedError(UserError):
    """A command has ended without its results.

    Args:
        step: the step.
        told: a sentence.
    """

    def __init__(self, step: Step, told: str) -> None:
        super().__init__(told)
        self.step = step


def check(pipeline: Pipeline, redo: bool = False) -> dict[str, str]:
    """The state of every step by its name; nothing is written.

    Args:
        pipeline: the steps.
        redo: call steps with results of other settings or inputs ``'stale'``, instead of refusing them.

    Raises:
        StaleError: a step's folder holds such results.
    """
    states: dict[str, str] = {}
    anew: list[Path] = []
    for step in pipeline.steps.values():
        try:
            check_record(step, pipeline)
            states[step.name] = state_of(step, anew)
        except StaleError:
            if not redo:
                raise
            states[step.name] = 'stale'
        if states[step.name] != 'done':
            anew.append(step.folder)
    return states


def run(pipeline: Pipeline, tools: Path, redo: bool = False, log: Path | None = None) -> None:
    """Run what is missing, in order; what was interrupted goes on.

    Args:
        pipeline: the steps.
        tools: folder of the command lines.
        redo: set stale results aside and make them anew, instead of refusing them.
        log: file that gets what the commands print, and all else that is printed here.

    Raises:
        StaleError: a step was made from something else.
        UserError: a step fails, or another run is working in the same place.
    """
    check(pipeline, redo)
    start, steps = time.perf_counter(), list(pipeline.steps.values())
    with ExitStack() as stack:
        stack.enter_context(_alone(pipeline))
        output = stack.enter_context(log.open('a')) if log else None
        for number, step in enumerate(steps):
            # Also those that were right: what they read may have been made just now.
            _refuse_or_set_aside(step, pipeline, redo, output)
            if not step.done.exists():
                done = sum(other.done.exists() for other in steps)
                minutes = (time.perf_counter() - start) / 60
                progress = f'{done} done, {len(steps) - done} left, {minutes:.1f} min so far'
                told = f'\n=== {number + 1}/{len(steps)} {step.name}: {state_of(step)} ({progress})'
                print(told, file=output, flush=True)
                _run(step, pipeline, tools, output)


def _refuse_or_set_aside(
    step: Step, pipeline: Pipeline, redo: bool, output: IO[str] | None
) -> None:
    try:
        check_record(step, pipeline)
    except StaleError as error:
        if not redo:
            raise
        print(f'\n{error}\n{step.folder} is {set_aside(step)} now', file=output, flush=True)


def _run(step: Step, pipeline: Pipeline, tools: Path, output: IO[str] | None) -> None:
    for path, name in step.files.items():
        write_config(path, step.configs[name])
    write_record(step, pipeline)
    command = step.full_command(tools, pipeline.gpus)
    print('$', step.readable_command(pipeline.gpus), file=output, flush=True)
    with pipeline.meanwhile():
        code = call(command, output, pipeline.environment)
    if code or not step.done.exists():
        where = output.name if output else 'above'
        raise StepFailedError(
            step,
            f'the step {step.name} failed, see {where} ({shlex.join(command)}); once it is put right, '
            'the same command goes on from there',
        )
    if step.tool == 'train':
        write_training_record(step, pipeline)


def call(
    command: Sequence[str], output: IO[str] | None, variables: Mapping[str, str] | None = None
) -> int:
    """Run a command line and return its exit status. Our tools end when this process does.

    Args:
        command: for the system.
        output: file that gets what it prints; None prints it.
        variables: of its environment, beside those of this process.
    """
    environment = {**os.environ, 'PYTHON': sys.executable, **(variables or {})}
    if command[0] == sys.executable:
        environment[PARENT] = str(os.getpid())
    errors = subprocess.STDOUT if output else None
    return subprocess.run(command, env=environment, stdout=output, stderr=errors).returncode


def write_config(path: Path, config: Config) -> None:
    """Write a config as a file that every tool reads."""
    with atomic_write(path) as temporary:
        temporary.write_text(config_text(config))


@contextmanager
def _alone(pipeline: Pipeline) -> Iterator[None]:
    """Keep a second run out of the same steps; those below another folder can be run beside them.

    Raises:
        UserError: another run has one of them.
    """
    unfinished = (step.name for step in pipeline.steps.values() if not step.done.exists())
    parts = dict.fromkeys(name.split('/')[0] if '/' in name else '' for name in unfinished)
    folder = make_writable_dir(pipeline.folder)
    with ExitStack() as stack:
        for part in parts:
            lock = stack.enter_context((folder / f'.{part or "steps"}.lock').open('w'))
            try:
                flock(lock.fileno(), LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f'another run is working on {folder / part}; wait for it, or choose other --seeds '
                    'or another --work-dir'
                ) from error
            except OSError:
                pass  # a file system without locks
        yield
