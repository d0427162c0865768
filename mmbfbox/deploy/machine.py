"""How many threads this process may use, whatever the machine has."""

from __future__ import annotations

import os
from pathlib import Path

_GROUPS = 'proc/self/cgroup'


def usable_threads(root: Path = Path('/')) -> int:
    """Cores that the process may run on, and no more than its control groups pay for; at least 1.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quotas = [quota for folder in _groups(root) if (quota := _quota(folder)) is not None]
    # Part of a core is none: a thread that is throttled makes all others wait.
    return max(1, int(min([cores, *quotas])))


def _groups(root: Path) -> list[Path]:
    """The control groups of the process and those above, of version 2 and of version 1."""
    try:
        lines = (root / _GROUPS).read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(':', 2)
        names = controllers.split(',')
        if controllers and 'cpu' not in names:
            continue
        top = root / 'sys/fs/cgroup' / ('cpu' if controllers else '')
        # In a container the path may be that of the host; its own group is then the top.
        inner = top / path.lstrip('/')
        folders += [
            folder for folder in (inner, *inner.parents) if top in (folder, *folder.parents)
        ]
    return folders


def _quota(folder: Path) -> float | None:
    """Cores that a group may use at a time, or None."""
    try:
        if (folder / 'cpu.max').exists():
            quota, period = (folder / 'cpu.max').read_text().split()
        else:
            quota = (folder / 'cpu.cfs_quota_us').read_text().strip()
            period = (folder / 'cpu.cfs_period_us').read_text().strip()
        return float(quota) / float(period) if float(quota) > 0 else None
    except (OSError, ValueError):  # 'max'
        return None
