"""Several processes: the same results as one, also when they are killed."""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search import join_processes
from mmbfbox.search.storage.candidates import read_work_dir
from tests.search.fake_search import SMALL, SPACE, TextScorer, evolution, make_search, results

FORK = multiprocessing.get_context('fork')
"""Children have everything imported already."""


def search(
    folder: Path, rank: int, size: int, port: int, seconds: float, population: int, small: bool
) -> None:
    """The work of one process: a search of 40 candidates."""
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(size), MASTER_PORT=str(port))
    os.environ['MASTER_ADDR'] = '127.0.0.1'
    try:
        joined = join_processes('pytorch' if size > 1 else 'none', patience=2.0)
        space = SMALL if small else SPACE
        sampler = evolution(population, space) if population else None
        scorer = TextScorer(seconds)
        make_search(folder, sampler, scorer, space, processes=joined, chunk=2).run(40)
    except UserError as error:
        (folder / f'said{rank}').write_text(str(error))
        os._exit(1)


def start(
    folder: Path, size: int, seconds: float, population: int = 0, small: bool = False
) -> list[Any]:
    """The processes of a search, each with its own number."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    processes = [
        FORK.Process(target=search, args=(folder, rank, size, port, seconds, population, small))
        for rank in range(size)
    ]
    for process in processes:
        process.start()
    return processes


def finish(processes: list[Any]) -> None:
    """Wait for them; all must come to the end."""
    for process in processes:
        process.join(60)
        assert process.exitcode == 0


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory) -> dict:
    return results(make_search(tmp_path_factory.mktemp('one')).run(40))


def test_two_processes_score_what_one_scores_each_a_part(undisturbed, tmp_path):
    finish(start(tmp_path, 2, 0.02))
    assert results(read_work_dir(tmp_path)[1]) == undisturbed
    files = sorted(tmp_path.glob('candidates*.jsonl'))
    lengths = [len(file.read_text().splitlines()) for file in files]
    assert len(files) == 2 and min(lengths) > 5 and sum(lengths) == 40


@pytest.mark.parametrize('size', [1, 2])
def test_killed_at_random_moments_nothing_is_lost_nor_scored_twice(size, undisturbed, tmp_path):
    moments = random.Random(size)
    for _ in range(4):
        processes = start(tmp_path, size, 0.05)
        wait_for_lines(tmp_path, len(list_lines(tmp_path)) + 3)
        time.sleep(moments.uniform(0, 0.2))
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
    finish(start(tmp_path, size, 0.0))
    assert results(read_work_dir(tmp_path)[1]) == undisturbed
    assert len(list_lines(tmp_path)) == 40


def test_generations_are_the_same_with_two_processes_and_a_dead_one_is_noticed(tmp_path):
    expected = results(make_search(tmp_path / 'one', evolution(10)).run(40))
    processes = start(tmp_path / 'two', 2, 0.05, 10)
    wait_for_lines(tmp_path / 'two', 3)
    processes[1].kill()
    processes[1].join()
    processes[0].join(60)
    assert processes[0].exitcode == 1
    assert 'process 1 has shown no sign of life' in (tmp_path / 'two' / 'said0').read_text()
    finish(start(tmp_path / 'two', 2, 0.0, 10))
    assert results(read_work_dir(tmp_path / 'two')[1]) == expected
    assert len(list_lines(tmp_path / 'two')) == 40


def test_in_a_random_search_the_others_finish_what_a_dead_process_leaves(undisturbed, tmp_path):
    processes = start(tmp_path, 2, 0.05)
    wait_for_lines(tmp_path, 4)
    processes[1].kill()
    processes[1].join()
    finish(processes[:1])
    # All but the chunk of two that it had taken, if it was not between two chunks.
    assert 40 - len(list_lines(tmp_path)) <= 2
    finish(start(tmp_path, 1, 0.0))
    assert results(read_work_dir(tmp_path)[1]) == undisturbed
    assert len(list_lines(tmp_path)) == 40


def wait_for_lines(folder: Path, number: int) -> None:
    """Wait until so many candidates are written."""
    deadline = time.monotonic() + 60
    while len(list_lines(folder)) < number and time.monotonic() < deadline:
        time.sleep(0.02)


def list_lines(folder: Path) -> list[str]:
    """Complete lines of all result files."""
    files = folder.glob('candidates*.jsonl')
    return [line for file in files for line in file.read_text().split('\n')[:-1]]
