"""How many threads this process may use, whatever the machine has."""

from __future__ import annotations

import os
from pathlib import Path

from mmbfbox.utils.control_groups import control_groups


def usable_threads(root: Path = Path('/')) -> int:
    """Cores that the process may run on, and no more than its control groups pay for; at least 1.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        cores = os.cpu_count() or 1
    quotas = [
        quota for folder in control_groups('cpu', root) if (quota := _quota(folder)) is not None
    ]
    # Part of a core is none: a thread that is throttled makes all others wait.
    return max(1, int(min([cores, *quotas])))


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
