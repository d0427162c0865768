"""Several processes: the same results as one, also when they are killed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mmbfbox.search.results import read_results
from tests.search.fake_search import make_searcher, results

SCRIPT = Path(__file__).with_name('fake_search.py')
ROOT = Path(__file__).resolve().parents[2]


def start(folder: Path, ranks: int, port: int, seconds: float) -> list[subprocess.Popen]:
    """The processes of a search of 40 candidates."""
    processes = []
    for rank in range(ranks):
        environment = dict(
            os.environ, PYTHONPATH=str(ROOT), RANK=str(rank), WORLD_SIZE=str(ranks),
            MASTER_ADDR='127.0.0.1', MASTER_PORT=str(port), OMP_NUM_THREADS='1',
        )  # fmt: skip
        launcher = 'pytorch' if ranks > 1 else 'none'
        command = [sys.executable, SCRIPT, folder, '40', str(seconds), launcher]
        processes.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        )
    return processes


def finish(processes: list[subprocess.Popen]) -> None:
    for process in processes:
        said = process.communicate(timeout=120)[1].decode()
        assert process.returncode == 0, said[-2000:]


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory) -> dict:
    return results(make_searcher(tmp_path_factory.mktemp('one')).run(40))


def test_two_processes_score_what_one_scores_each_a_part(undisturbed, tmp_path):
    finish(start(tmp_path, 2, 29641, 0.02))
    assert results(read_results(tmp_path)[1]) == undisturbed
    files = sorted(tmp_path.glob('candidates*.jsonl'))
    lengths = [len(file.read_text().splitlines()) for file in files]
    assert len(files) == 2 and min(lengths) > 5 and sum(lengths) == 40


@pytest.mark.parametrize('ranks', [1, 2])
def test_killed_at_random_moments_nothing_is_lost_nor_scored_twice(ranks, undisturbed, tmp_path):
    moments = random.Random(ranks)
    for attempt in range(2):
        processes = start(tmp_path, ranks, 29650 + 10 * ranks + attempt, 0.05)
        deadline = time.monotonic() + 60
        before = len(list_lines(tmp_path))
        while len(list_lines(tmp_path)) < before + 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 0.2))
        for process in processes:
            process.send_signal(signal.SIGKILL)
        for process in processes:
            process.communicate()
    finish(start(tmp_path, ranks, 29659 + 10 * ranks, 0.0))
    assert results(read_results(tmp_path)[1]) == undisturbed
    assert len(list_lines(tmp_path)) == 40


def list_lines(folder: Path) -> list[str]:
    """Complete lines of all result files."""
    files = folder.glob('candidates*.jsonl')
    return [line for file in files for line in file.read_text().split('\n')[:-1]]
