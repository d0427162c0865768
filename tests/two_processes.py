"""Running a test's module in two processes of one group."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RANKS = range(2)


def run_in_two(module: str, *arguments: object, timeout: float = 600) -> None:
    """Run ``python -m module RANK *arguments`` once for each rank, with one thread each.

    Args:
        module: dotted name.
        arguments: of both.
        timeout: seconds; generous, because other programs may have the cores.

    Raises:
        AssertionError: a process ended with an error; the end of what it said.
    """
    environment = dict(os.environ, OMP_NUM_THREADS='1', PYTHONPATH=str(ROOT))
    processes = [
        subprocess.Popen(
            [sys.executable, '-m', module, str(rank), *map(str, arguments)],
            env=environment, cwd=ROOT, stderr=subprocess.PIPE, text=True,
        )
        for rank in RANKS
    ]  # fmt: skip
    try:
        for process in processes:
            _, said = process.communicate(timeout=timeout)
            assert process.returncode == 0, said[-2000:]
    finally:
        for process in processes:
            process.kill()
