"""What tools/dist_search.sh tells the processes that it starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'dist_search.sh'


def test_each_process_knows_how_many_share_its_machine(tmp_path: Path) -> None:
    python = tmp_path / 'python'
    # The store is waited for until it is told that the processes have ended.
    python.write_text(
        '#!/bin/sh\ncase "$1" in *search_store.py) sleep 30 & trap "kill $!; exit 0" USR1; wait;; esac\n'
        f'echo "$RANK $LOCAL_RANK $LOCAL_WORLD_SIZE $WORLD_SIZE" > {tmp_path}/$RANK.txt\n'
    )
    python.chmod(0o755)
    environment = {**os.environ, 'PYTHON': str(python), 'NNODES': '2', 'NODE_RANK': '1'}
    subprocess.run(['bash', TOOL, 'config.py', 'supernet.pth', '2'], env=environment, check=True)
    said = [(tmp_path / f'{rank}.txt').read_text().split() for rank in (2, 3)]
    assert said == [['2', '0', '2', '4'], ['3', '1', '2', '4']]


def failing_search(folder: Path) -> subprocess.CompletedProcess[str]:
    """Of two processes that end at once, beside a store that would still wait for other hosts."""
    python = folder / 'python'
    python.write_text(
        '#!/bin/sh\ncase "$1" in *search_store.py) trap "" USR1; exec sleep 20;; esac\nexit 3\n'
    )
    python.chmod(0o755)
    environment = {**os.environ, 'PYTHON': str(python), 'NNODES': '1', 'NODE_RANK': '0'}
    return subprocess.run(
        ['bash', TOOL, 'config.py', 'supernet.pth', '2'],
        env=environment, capture_output=True, text=True, timeout=10,
    )  # fmt: skip


def test_on_one_host_a_search_that_cannot_start_ends_at_once(tmp_path: Path) -> None:
    ended = failing_search(tmp_path)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[:2] == ['process 0: exit code 3', 'process 1: exit code 3']


def test_a_busy_machine_does_not_make_a_failed_search_a_finished_one(tmp_path: Path) -> None:
    """The store may be ended before it has become its program; it once took the list of failures along."""
    spinning = ['bash', '-c', 'while :; do :; done']
    others = [subprocess.Popen(spinning) for _ in range(3 * len(os.sched_getaffinity(0)))]
    try:
        codes = {failing_search(tmp_path).returncode for _ in range(60)}
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert codes == {1}
