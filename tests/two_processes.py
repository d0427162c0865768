"""Running a test's module in two processes of one group."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

RANKS = range(2)
FORK = multiprocessing.get_context('fork')
"""A fork has loaded already what a new process would take seconds to load."""


def run_in_two(module: str, *arguments: object, timeout: float = 600) -> None:
    """Run ``python -m module RANK *arguments`` once for each rank, with one thread each.

    Args:
        module: dotted name.
        arguments: of both.
        timeout: seconds; generous, because other programs may have the cores.

    Raises:
        AssertionError: a process ended with an error, or too late; the end of what it said.
    """
    with TemporaryDirectory() as folder:
        said = [Path(folder, str(rank)) for rank in RANKS]
        processes = [
            FORK.Process(target=_main, args=(module, [str(rank), *map(str, arguments)], path))
            for rank, path in zip(RANKS, said, strict=True)
        ]
        for process in processes:
            process.start()
        try:
            for process, path in zip(processes, said, strict=True):
                process.join(timeout)
                assert process.exitcode == 0, path.read_text()[-2000:]
        finally:
            for process in processes:
                process.kill()


def _main(module: str, arguments: list[str], said: Path) -> None:
    with said.open('w') as file:
        os.dup2(file.fileno(), 2)
        sys.stderr = os.fdopen(2, 'w', closefd=False)
        os.environ['OMP_NUM_THREADS'] = '1'
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name='__main__', alter_sys=True)
