"""What the kernel's control groups leave to this process, as in a container with limits."""

from __future__ import annotations

from pathlib import Path

_OWN = 'proc/self/cgroup'


def control_groups(controller: str, root: Path = Path('/')) -> list[Path]:
    """Folders of the control groups of the process and those above, of version 2 and of version 1.

    Args:
        controller: ``'cpu'`` or ``'memory'``.
        root: where ``proc`` and ``sys`` are.
    """
    try:
        lines = (root / _OWN).read_text().splitlines()
    except OSError:
        return []
    folders = []
    for line in lines:
        _, controllers, path = line.split(':', 2)
        if controllers and controller not in controllers.split(','):
            continue
        top = root / 'sys/fs/cgroup' / (controller if controllers else '')
        # In a container the path may be that of the host; its own group is then the top.
        inner = top / path.lstrip('/')
        folders += [
            folder for folder in (inner, *inner.parents) if top in (folder, *folder.parents)
        ]
    return folders


def memory_left(root: Path = Path('/')) -> float:
    """Bytes that the process may still take before its control groups end it; infinite without a limit.

    Args:
        root: where ``proc`` and ``sys`` are.
    """
    left = [_left(folder) for folder in control_groups('memory', root)]
    return max(0.0, min(left, default=float('inf')))


def _left(folder: Path) -> float:
    new = (folder / 'memory.max').exists()
    limit, used, cached = (
        ('memory.max', 'memory.current', 'inactive_file')
        if new
        else ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file')
    )
    try:
        stat = dict(line.split() for line in (folder / 'memory.stat').read_text().splitlines())
        # Files that are kept in memory give way.
        taken = int((folder / used).read_text()) - int(stat.get(cached, 0))
        return float((folder / limit).read_text()) - taken
    except (OSError, ValueError):  # 'max'
        return float('inf')
