"""A training on the CPU leaves cores to its loaders: no operator waits for a thread that has no core."""

from __future__ import annotations

import os

import pytest
import torch
from mmengine import Config

from mmbfbox.engine.cpu_threads import leave_cores_to_loaders, training_threads
from mmbfbox.utils.threads import threads_beside


@pytest.fixture
def two_threads(monkeypatch):
    """Of two cores, as torch comes on such a machine."""
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: {0, 1})
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def config(workers: object) -> Config:
    return Config(dict(train_dataloader=dict(num_workers=workers)))


def test_two_loaders_on_two_cores_leave_one_thread_and_the_log_says_so(two_threads):
    said = leave_cores_to_loaders(config(2))
    assert torch.get_num_threads() == 1
    assert said.startswith('computing with 1 thread in place of 2: 2 loader workers need cores')
    assert leave_cores_to_loaders(config(2)) is None


@pytest.mark.parametrize('workers', [0, 'two'])
def test_without_loaders_all_threads_compute(two_threads, workers):
    """What is no loader, or no number, is refused where loaders are built."""
    assert leave_cores_to_loaders(config(workers)) is None
    for odd in (Config(), Config(dict(train_dataloader=None)), Config(dict(train_dataloader=[]))):
        assert leave_cores_to_loaders(odd) is None
    assert torch.get_num_threads() == 2


def test_the_user_decides(two_threads, monkeypatch):
    monkeypatch.setenv('OMP_NUM_THREADS', '2')
    assert leave_cores_to_loaders(config(2)) is None
    assert training_threads(config(2)) == 2


def test_many_cores_keep_many_threads(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(os, 'sched_getaffinity', lambda _: set(range(16)))
    assert threads_beside(workers=4, threads=16) == 12
    assert threads_beside(workers=4, threads=8) == 8
    assert threads_beside(workers=20, threads=16) == 1
