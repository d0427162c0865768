"""Runs the steps of a plan that are missing, each as a command of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.pipeline.records import check_record, state_of, write_record
from mmbfbox.reproduce.plan import Plan, Step, full_command, readable_command
from mmbfbox.utils.files import atomic_write, make_writable_dir


def check(plan: Plan) -> dict[str, str]:
    """The state of every step by its name; nothing is written.

    Raises:
        UserError: a step's folder holds results of an older config or of other inputs.
    """
    for step in plan.steps.values():
        check_record(step, plan)
    return {name: state_of(step) for name, step in plan.steps.items()}


def run(plan: Plan, tools: Path) -> None:
    """Run what is missing, in order.

    Args:
        plan: the steps.
        tools: folder of the command lines.

    Raises:
        UserError: a step fails, or was made from something else.
    """
    plan.check_data()
    with _alone(plan):
        for number, step in enumerate(plan.steps.values(), 1):
            # Once more: what it reads may have been made just now.
            check_record(step, plan)
            if not step.done.exists():
                print(f'\n=== {number}/{len(plan.steps)} {step.name}: {state_of(step)}', flush=True)
                _run(step, plan, tools)


def _run(step: Step, plan: Plan, tools: Path) -> None:
    for path, config in step.files.items():
        write_config(path, config)
    write_record(step, plan, readable_command(step, plan.gpus))
    command = full_command(step, tools, plan.gpus)
    print('$', readable_command(step, plan.gpus), flush=True)
    environment = {**os.environ, 'PYTHON': sys.executable}
    code = subprocess.run(command, env=environment).returncode
    if code or not step.done.exists():
        raise UserError(
            f'the step {step.name} failed, see above ({shlex.join(command)}); once it is put right, the '
            'same command goes on from there'
        )


def write_config(path: Path, config: Config) -> None:
    """Write a config as a file that every tool reads."""
    with atomic_write(path) as temporary:
        config.dump(temporary)


@contextmanager
def _alone(plan: Plan) -> Iterator[None]:
    """Keep a second run out of the same seeds; other seeds can be run beside them.

    Raises:
        UserError: another run has one of them.
    """
    unfinished = (step for step in plan.steps.values() if not step.done.exists())
    parts = dict.fromkeys(step.name.split('/')[0] for step in unfinished)
    folder = make_writable_dir(plan.folder)
    with ExitStack() as stack:
        for part in parts:
            lock = stack.enter_context((folder / f'.{part}.lock').open('w'))
            try:
                flock(lock.fileno(), LOCK_EX | LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    f'another run is working on {folder / part}; wait for it, or run other --seeds'
                ) from error
            except OSError:
                pass  # a file system without locks
        yield
