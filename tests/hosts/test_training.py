"""A training over two hosts: one of them dies, and the same command goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from mmbfbox.engine import load_checkpoint_file
from tests.hosts.two_hosts import ADDRESSES, Host, two_hosts, wait_until, why_not

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / 'tests' / 'data' / 'search_before' / 'images'
ITERATIONS = 24
pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(why_not() is not None, reason=str(why_not())),
]

OPTIONS = [
    f'train_cfg.max_iters={ITERATIONS}', 'train_dataloader.batch_size=2', 'train_dataloader.num_workers=0',
    'train_dataloader.persistent_workers=False', 'train_dataloader.dataset.held_out=2',
    'train_dataloader.dataset.recalibration=2', 'default_hooks.checkpoint.interval=4',
    'env_cfg.dist_cfg.backend=gloo', 'supernet_check=None',
]  # fmt: skip


def start(host: Host, node: int, work_dir: Path, *more: str) -> subprocess.Popen[str]:
    tool = ROOT / 'tools' / 'dist_train.sh'
    environment = {
        **os.environ,
        'PYTHON': sys.executable, 'PYTHONPATH': str(ROOT), 'OMP_NUM_THREADS': '1', 'NNODES': '2',
        'NODE_RANK': str(node), 'MASTER_ADDR': ADDRESSES[0], 'PORT': '29512',
        # The namespaces share one host name, by which gloo would choose.
        'GLOO_SOCKET_IFNAME': host.device,
    }  # fmt: skip
    command = [
        'bash', tool, 'demo/bfbox_supernet_demo', '1', '--work-dir', work_dir, '--data-root', IMAGES,
        *more, '--cfg-options', *OPTIONS,
    ]  # fmt: skip
    return host.start(command, environment, work_dir.with_name(f'{work_dir.name}-{node}.log'))


def weights(work_dir: Path) -> dict[str, torch.Tensor]:
    return load_checkpoint_file(work_dir / f'iter_{ITERATIONS}.pth')['state_dict']


def assert_same_weights(one: Path, other: Path) -> None:
    there, here = weights(one), weights(other)
    assert all(torch.equal(there[name], here[name]) for name in there)


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Work dir of a training that nobody disturbs, over a link that delays and loses packets."""
    work_dir = tmp_path_factory.mktemp('undisturbed') / 'training'
    with two_hosts(delay=0.005, loss=0.005) as (first, second, _):
        processes = [start(first, 0, work_dir), start(second, 1, work_dir)]
        assert [process.wait(200) for process in processes] == [0, 0]
    return work_dir


def test_a_host_of_a_training_dies_and_the_same_command_resumes_to_the_same_weights(
    tmp_path: Path, undisturbed: Path
) -> None:
    disturbed = tmp_path / 'disturbed'
    with two_hosts(delay=0.005, loss=0.005) as (first, second, _):
        alive = start(first, 0, disturbed)
        start(second, 1, disturbed)
        wait_until((disturbed / 'iter_8.pth').exists)
        second.kill()
        assert alive.wait(200) != 0
        processes = [
            start(first, 0, disturbed, '--resume'),
            start(second, 1, disturbed, '--resume'),
        ]
        assert [process.wait(200) for process in processes] == [0, 0]
    assert_same_weights(undisturbed, disturbed)


def test_the_first_hosts_agent_is_gone_early_and_nothing_hangs_or_is_lost(
    tmp_path: Path, undisturbed: Path
) -> None:
    """Only torchrun's process of node 0 ends, as by a user's mistake: with it goes the store."""
    disturbed = tmp_path / 'disturbed'
    with two_hosts() as (first, second, _):
        agent, other = start(first, 0, disturbed), start(second, 1, disturbed)
        wait_until((disturbed / 'iter_8.pth').exists)
        agent.kill()
        # The processes that train hold connections of their own, and go on without it.
        assert other.wait(200) in (0, 1)
        wait_until(lambda: not first.pids() and not second.pids())
        # Whatever is missing then, if anything is.
        processes = [
            start(first, 0, disturbed, '--resume'),
            start(second, 1, disturbed, '--resume'),
        ]
        assert [process.wait(200) for process in processes] == [0, 0]
    assert_same_weights(undisturbed, disturbed)
