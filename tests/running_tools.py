"""Running a command line inside the test process, which has torch loaded already."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import pytest
from mmengine.logging import MessageHub

TOOLS = Path(__file__).resolve().parents[1] / 'tools'


def run(tool: str, *arguments: object) -> None:
    """Run ``tools/<tool>.py`` with these arguments."""
    # mmengine names what a run has logged by config and second: the next run could go on with it.
    MessageHub._instance_dict.clear()
    spec = importlib.util.spec_from_file_location(f'tool_{tool}', TOOLS / f'{tool}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    before, sys.argv = sys.argv, [tool, *map(str, arguments)]
    try:
        module.main()
    finally:
        sys.argv = before


def call_in_fork(
    command: Sequence[str], output: IO[str] | None, variables: Mapping[str, str] | None = None
) -> int:
    """In place of ``pipeline.run.call``: a tool in a fork, which has all its modules already."""
    tool = Path(command[1])
    assert command[0] == sys.executable and tool.parent == TOOLS
    process = multiprocessing.get_context('fork').Process(
        target=_redirected, args=(tool.stem, command[2:], output, variables)
    )
    process.start()
    process.join()
    return process.exitcode or 0


def _redirected(
    tool: str, arguments: Sequence[str], output: IO[str] | None, variables: Mapping[str, str] | None
) -> None:
    if output:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
        sys.stdout, sys.stderr = (os.fdopen(number, 'w', closefd=False) for number in (1, 2))
    os.environ.update(variables or {})
    run(tool, *arguments)


def failure(capsys, tool: str, *arguments: object) -> str:
    """The one sentence that a tool ends with."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        run(tool, *arguments)
    assert stop.value.code == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1
    return lines[0]
