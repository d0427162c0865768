"""Threads of a process that shares its cores with others."""

from __future__ import annotations

import os


def wait_without_spinning() -> None:
    """Let OpenMP's threads sleep while they wait for each other, unless the user has said otherwise.

    By default they spin. Where another program takes one of the cores, all but one thread then burn their
    time until the one that was put aside comes back: a step took ten times as long (docs/training.md).
    Read once, when torch is loaded; so this has to be called before.
    """
    os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')


def busy_cores() -> tuple[float, float] | None:
    """Seconds of core time that all programs of this machine, and this process with its children, had.

    Returns:
        Both since some moment in the past, so that differences of two calls mean something; None where the
        system does not tell.
    """
    try:
        with open('/proc/stat') as file:
            user, nice, system, _idle, _wait, irq, soft, *_ = map(int, file.readline().split()[1:])
    except (OSError, ValueError):
        return None
    everyone = (user + nice + system + irq + soft) / os.sysconf('SC_CLK_TCK')
    return everyone, _own_seconds()


def _own_seconds() -> float:
    """Of this process and of its running children, like the workers of a loader."""
    ticks = os.sysconf('SC_CLK_TCK')
    total = sum(os.times()[:2])
    try:
        with open(f'/proc/self/task/{os.getpid()}/children') as file:
            children = file.read().split()
    except OSError:
        return total
    for child in children:
        try:
            with open(f'/proc/{child}/stat') as file:
                fields = file.read().rpartition(')')[2].split()
        except OSError:
            continue  # it has ended
        total += (int(fields[11]) + int(fields[12])) / ticks
    return total
