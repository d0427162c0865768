"""What an iteration sees depends on the seed and the iteration, on nothing else."""

from __future__ import annotations

import random
from itertools import islice

import numpy as np
import pytest
import torch

from mmbfbox.datasets import ResumableSampler, sampler
from mmbfbox.datasets.randomness import seeded


def take(size: int, number: int, start: int = 0, seed: int = 5, **keys):
    made = ResumableSampler(range(size), seed=seed, **keys)
    made.start_at(start, seed)
    return [(int(index), index.key) for index in islice(made, number)]


def test_it_starts_anywhere_in_the_same_sequence():
    whole = take(7, 40)
    assert all(take(7, 9, start) == whole[start : start + 9] for start in (0, 1, 6, 7, 20, 31))
    assert [key for _, key in whole] == [(5, position) for position in range(40)]


def test_each_pass_has_every_image_once_in_an_order_of_its_own():
    indices = [index for index, _ in take(50, 200)]
    passes = [indices[begin : begin + 50] for begin in range(0, 200, 50)]
    assert all(sorted(one) == list(range(50)) for one in passes)
    assert len({tuple(one) for one in passes}) == 4
    assert [index for index, _ in take(3, 7, shuffle=False)] == [0, 1, 2, 0, 1, 2, 0]


def test_the_order_of_a_seed_never_changes():
    assert [index for index, _ in take(8, 16, seed=1)] == [
        2, 4, 7, 5, 0, 6, 3, 1, 5, 6, 3, 0, 7, 2, 1, 4,
    ]  # fmt: skip


def test_ranks_together_take_what_one_process_takes(monkeypatch):
    joined = take(11, 24)
    parts = []
    for rank in range(4):
        monkeypatch.setattr(sampler, 'get_dist_info', lambda rank=rank: (rank, 4))
        parts.append(take(11, 6))
        assert parts[-1][2:] == take(11, 4, start=2)
    # Batches of two on each rank are one batch of eight.
    for batch in range(3):
        together = [sample for part in parts for sample in part[2 * batch : 2 * batch + 2]]
        assert sorted(together) == sorted(joined[8 * batch : 8 * batch + 8])


def test_starting_late_costs_one_permutation(monkeypatch):
    computed = []
    order = ResumableSampler._order
    monkeypatch.setattr(
        ResumableSampler, '_order', lambda self, epoch: computed.append(epoch) or order(self, epoch)
    )
    take(12_880, 28, start=100_000 * 28)
    assert computed == [217]


def draw() -> tuple[float, float, float]:
    return random.random(), np.random.rand(), float(torch.rand(()))


def test_seeded_draws_depend_on_the_key_and_leave_no_trace():
    results = []
    before = draw()
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    expected = draw()
    for key in ((0, 1), (0, 2), (1, 1), (0, 1)):
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        with seeded(*key):
            results.append(draw())
        assert draw() == expected
    assert results[0] == results[3] and len({before, expected, *results}) == 5


@pytest.mark.parametrize('key', [(0, 0), (2**40, 2**50)])
def test_seeded_numbers_are_evenly_spread(key):
    values = []
    for position in range(2000):
        with seeded(*key, position):
            values.append(np.random.rand())
    assert (
        abs(np.mean(values) - 0.5) < 0.03 and abs(np.corrcoef(values[1:], values[:-1])[0, 1]) < 0.1
    )
