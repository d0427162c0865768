"""Killing processes, with all that they have started. Linux only."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """Children of a process, their children, and so on."""
    parents = {}
    for folder in Path('/proc').glob('[0-9]*'):
        try:
            parents[int(folder.name)] = int(
                (folder / 'stat').read_text().rpartition(')')[2].split()[1]
            )
        except OSError:
            continue  # it has ended
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found[1:]


def kill(pid: int) -> None:
    """Kill -9."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_for_end(pids: list[int]) -> None:
    """Return when none of these processes exists any more."""
    while any(Path(f'/proc/{pid}').exists() for pid in pids):
        time.sleep(0.005)
