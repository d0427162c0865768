"""Threads of a process that shares its cores with others."""

from __future__ import annotations

import os

SPINS = '1000'
"""Turns that a thread waits awake, for what is ready at once."""


def wait_without_spinning() -> None:
    """Let OpenMP's threads soon sleep while they wait for each other, unless the user has said otherwise.

    As torch comes they spin for long. Where another program takes one of the cores, they then burn their
    time until the one that was put aside comes back: a step took up to thirty times as long
    (``benchmarks/training/busy_cores.py``). Read once, when torch is loaded; so call this before.
    """
    if 'OMP_WAIT_POLICY' not in os.environ and 'GOMP_SPINCOUNT' not in os.environ:
        os.environ.update(OMP_WAIT_POLICY='PASSIVE', GOMP_SPINCOUNT=SPINS)


def threads_beside(workers: int, threads: int) -> int:
    """With how many threads a training on the CPU computes, so that its loaders have cores of their own.

    A thread without a core of its own makes all others wait, in each operator: beside one other training a
    step of a light network on two cores took 6 to 9 times as long with two threads, and 1.4 times with one.
    Alone one thread was faster, too, as two loader workers need the other core (docs/lab/training.md).

    Args:
        workers: processes that load images.
        threads: that torch would take.

    Returns:
        At least 1; ``threads`` where the user has set ``OMP_NUM_THREADS``.
    """
    if os.environ.get('OMP_NUM_THREADS'):
        return threads
    return max(1, min(threads, usable_cores() - workers))


def usable_cores() -> int:
    """Cores that this process may use."""
    # macOS does not tell which these are.
    allowed = getattr(os, 'sched_getaffinity', None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


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
