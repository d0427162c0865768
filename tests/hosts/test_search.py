"""A search over two hosts: what a slow link, a dead host and a slow shared folder do to it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.storage.candidates import read_candidates
from tests.hosts.two_hosts import ADDRESSES, Host, SlowFolder, two_hosts, wait_until, why_not

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / 'tests' / 'data' / 'search_before'
CANDIDATES = 40
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

# The keys of the base, which are those of an earlier version; random, so that no round needs the other host.
CONFIG = f"""
_base_ = {str(DATA / 'config.py')!r}
search = dict(chunk=4, candidates={CANDIDATES}, race=None, limits=None, strategy=None)
"""


# Each round depends on the results of both hosts in the one before.
IN_ROUNDS = f"""
_base_ = {str(DATA / 'config.py')!r}
search = dict(
    chunk=2, candidates=16, race=None, limits=None,
    strategy=dict(type='ageing', population=6, tournament=3, batch=5),
)
"""


@pytest.fixture(scope='module')
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('config') / 'search.py'
    path.write_text(CONFIG)
    return path


def arguments(work_dir: Path) -> list[str]:
    return ['--work-dir', str(work_dir), '--data-root', str(DATA / 'images')]


def environment(node: int) -> dict[str, str]:
    return {
        **os.environ,
        'PYTHON': sys.executable,
        'PYTHONPATH': str(ROOT),
        'OMP_NUM_THREADS': '1',
        'NNODES': '2',
        'NODE_RANK': str(node),
        'MASTER_ADDR': ADDRESSES[0],
        'PORT': '29511',
        'SEARCH_PATIENCE': '6',
    }


def start(host: Host, node: int, config: Path, work_dir: Path) -> subprocess.Popen[str]:
    tool = ROOT / 'tools' / 'dist_search.sh'
    command = ['bash', tool, config, DATA / 'supernet.pth', '1', *arguments(work_dir)]
    return host.start(command, environment(node), work_dir.with_name(f'{work_dir.name}-{node}.log'))


def found(work_dir: Path) -> dict[int, tuple[str, tuple[tuple[str, float], ...]]]:
    """Index to arch and scores of every candidate that was scored."""
    return {c.index: (str(c.arch), tuple(c.scores.items())) for c in read_candidates(work_dir)}


@pytest.fixture(scope='module')
def undisturbed(config: Path, tmp_path_factory: pytest.TempPathFactory):
    return alone(config, tmp_path_factory.mktemp('alone') / 'search')


def alone(config: Path, work_dir: Path) -> dict[int, tuple[str, tuple[tuple[str, float], ...]]]:
    """What one process on one host finds."""
    tool = ROOT / 'tools' / 'search.py'
    subprocess.run(
        [sys.executable, tool, config, DATA / 'supernet.pth', *arguments(work_dir)],
        env=environment(0), check=True, capture_output=True,
    )  # fmt: skip
    return found(work_dir)


def lines(work_dir: Path, file: str) -> int:
    path = work_dir / file
    return path.read_bytes().count(b'\n') if path.exists() else 0


def log(work_dir: Path, node: int) -> str:
    return work_dir.with_name(f'{work_dir.name}-{node}.log').read_text()


def all_lines(work_dir: Path) -> list[Candidate]:
    return [
        Candidate.from_json(line, path)
        for path in work_dir.glob('candidates*.jsonl')
        for line in path.read_text().splitlines()
    ]


def test_two_hosts_share_a_search_over_a_link_that_delays_and_loses_packets(
    config: Path, undisturbed, tmp_path: Path
) -> None:
    work_dir = tmp_path / 'search'
    with two_hosts(delay=0.03, loss=0.02) as (first, second, _):
        processes = [start(first, 0, config, work_dir), start(second, 1, config, work_dir)]
        assert [process.wait(120) for process in processes] == [0, 0]
    assert found(work_dir) == undisturbed
    assert len(all_lines(work_dir)) == CANDIDATES
    assert (work_dir / 'best.md').exists()


def test_a_host_dies_and_the_other_goes_on_and_says_what_to_do(
    config: Path, undisturbed, tmp_path: Path
) -> None:
    work_dir = tmp_path / 'search'
    with two_hosts() as (first, second, _):
        alive = start(first, 0, config, work_dir)
        start(second, 1, config, work_dir)
        wait_until(lambda: lines(work_dir, 'candidates.rank1.jsonl') >= 2)
        second.kill()
        assert alive.wait(120) == 1
        # All but what was left of the dead host's chunk of 4.
        assert len(all_lines(work_dir)) >= CANDIDATES - 4
        assert 'run the same command again on every node, it scores only what is missing' in log(
            work_dir, 0
        )
        # Again, with both.
        processes = [start(first, 0, config, work_dir), start(second, 1, config, work_dir)]
        assert [process.wait(120) for process in processes] == [0, 0]
    assert found(work_dir) == undisturbed
    assert len(all_lines(work_dir)) == CANDIDATES


def test_the_host_of_the_store_dies_and_a_rerun_completes_what_is_missing(
    config: Path, undisturbed, tmp_path: Path
) -> None:
    work_dir = tmp_path / 'search'
    with two_hosts() as (first, second, _):
        start(first, 0, config, work_dir)
        left = start(second, 1, config, work_dir)
        wait_until(lambda: lines(work_dir, 'candidates.jsonl') >= 2)
        first.kill()
        assert left.wait(120) == 1
        said = log(work_dir, 1)
        assert 'run the same command again' in said and 'Traceback' not in said
        processes = [start(first, 0, config, work_dir), start(second, 1, config, work_dir)]
        assert [process.wait(120) for process in processes] == [0, 0]
    assert found(work_dir) == undisturbed
    assert len(all_lines(work_dir)) == CANDIDATES


def test_a_shared_folder_that_shows_files_late_changes_no_result(tmp_path: Path) -> None:
    config, first_view, second_view = tmp_path / 'rounds.py', tmp_path / 'one', tmp_path / 'two'
    config.write_text(IN_ROUNDS)
    with (
        two_hosts() as (first, second, _),
        SlowFolder(first_view, second_view, seconds=2) as folder,
    ):
        processes = [start(first, 0, config, first_view), start(second, 1, config, second_view)]
        assert [process.wait(200) for process in processes] == [0, 0], log(first_view, 0)
    assert folder.shown > 4
    assert lines(first_view, 'candidates.jsonl') and lines(second_view, 'candidates.rank1.jsonl')
    assert found(first_view) == alone(config, tmp_path / 'alone')
    # Whoever comes to the end last writes them, into the one folder that both see.
    assert any((view / 'best.md').exists() for view in (first_view, second_view))
