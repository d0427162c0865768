"""Running a command line inside the test process, which has torch loaded already."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

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


def failure(capsys, tool: str, *arguments: object) -> str:
    """The one sentence that a tool ends with."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        run(tool, *arguments)
    assert stop.value.code == 1
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith('error: ')]
    assert len(lines) == 1
    return lines[0]
