"""Files as the kernel writes them for a container with a memory limit."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from mmbfbox.search.scoring.fast import machine
from mmbfbox.utils.control_groups import memory_left

GIB = 2**30


def container(root: Path, own: str, files: dict[str, str]) -> Path:
    """A root whose process is in the groups ``own``; ``files`` stand below ``sys/fs/cgroup``."""
    (root / 'proc/self').mkdir(parents=True)
    (root / 'proc/self/cgroup').write_text(own)
    for name, content in files.items():
        path = root / 'sys/fs/cgroup' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_the_limit_of_a_container_counts_and_kept_files_do_not(tmp_path: Path) -> None:
    root = container(
        tmp_path, '0::/\n',
        {
            'memory.max': f'{4 * GIB}\n', 'memory.current': f'{3 * GIB}\n',
            'memory.stat': f'anon {GIB}\nfile {2 * GIB}\ninactive_file {2 * GIB}\n',
        },
    )  # fmt: skip
    assert memory_left(root) == 3 * GIB


def test_the_groups_above_count_and_unlimited_ones_do_not(tmp_path: Path) -> None:
    own = '4:memory:/pod/job\n2:cpu,cpuacct:/\n0::/\n'
    limits = {'memory/pod/job': 9223372036854771712, 'memory/pod': 2 * GIB}
    files = {f'{name}/memory.limit_in_bytes': f'{value}\n' for name, value in limits.items()}
    files |= {f'{name}/memory.usage_in_bytes': f'{GIB}\n' for name in limits}
    files |= {f'{name}/memory.stat': 'cache 0\ntotal_inactive_file 0\n' for name in limits}
    assert memory_left(container(tmp_path, own, files)) == GIB


def test_without_a_limit_there_is_none(tmp_path: Path) -> None:
    assert memory_left(tmp_path) == math.inf
    files = {'memory.max': 'max\n', 'memory.current': '5\n', 'memory.stat': 'anon 5\n'}
    assert memory_left(container(tmp_path, '0::/\n', files)) == math.inf


def test_a_search_takes_its_share_of_what_the_container_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('LOCAL_WORLD_SIZE', raising=False)
    monkeypatch.setattr(machine, 'memory_left', lambda: 0.5 * GIB)
    assert machine.default_memory('cpu') == pytest.approx(machine.SHARE * 0.5)
