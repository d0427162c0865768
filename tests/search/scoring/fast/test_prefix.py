"""What archs have in common is kept, within the budget, as long as a later one needs it."""

from __future__ import annotations

from itertools import pairwise

import torch

from mmbfbox.search.scoring.fast.prefix import (
    Activations,
    PrefixCache,
    branch_depths,
    path_of,
    shared_length,
)
from tests.search.fake_search import SPACE

KIB = Activations(torch.zeros(256))


def test_every_depth_from_which_a_later_path_goes_on_is_wanted():
    paths = sorted({path_of(SPACE.sample(0, index)) for index in range(30)})
    for number, path in enumerate(paths):
        following = paths[number + 1 :]
        wanted = branch_depths(path, following)
        known = shared_length(path, following[0]) if following else 0
        assert not following or known in wanted
        # What the path shares with any later one, and what all between share as well.
        shared = [
            min(shared_length(path, other) for other in following[: end + 1])
            for end in range(len(following))
        ]
        assert wanted == set(shared)


def test_sorted_archs_share_more_than_unsorted_ones():
    paths = [path_of(SPACE.sample(0, index)) for index in range(30)]

    def saved(order):
        return sum(shared_length(a, b) for a, b in pairwise(order))

    assert saved(sorted(paths)) > saved(paths)


def test_what_stands_after_a_skip_is_kept_before_it():
    """So archs that skip a slot use what archs without it have computed, and the other way round."""
    path = ('stem', 'dw5', 'skip', 'skip', 'dw5', 'skip')
    following = [path, ('stem', 'dw5', 'skip', 'skip', 'skip', 'dw5')]
    assert branch_depths(path, following) == {5, 2}
    assert branch_depths(path, [('stem', 'dw5', 'skip', 'dw5', 'dw5', 'dw5')]) == {2}
    assert branch_depths(('stem', 'dw5', 'dw5'), [('stem', 'dw5', 'skip')]) == {2}


def test_deeper_activations_displace_shallower_ones_and_never_the_other_way():
    cache = PrefixCache(budget=2048)
    cache.keep('a', 1, KIB)
    cache.keep('b', 1, KIB)
    cache.keep('a', 3, KIB)
    assert cache.used == 2048 and cache.deepest('a') == (3, KIB)
    cache.keep('b', 3, KIB)
    cache.keep('c', 1, KIB)
    assert cache.used == 2048
    assert cache.deepest('b')[0] == 3 and cache.deepest('c') == (0, None)


def test_leaving_a_path_frees_what_is_deeper():
    cache = PrefixCache(budget=4096)
    for depth in (1, 2, 4):
        cache.keep('a', depth, KIB)
    cache.cut(2)
    assert cache.used == 2048 and cache.deepest('a')[0] == 2
    cache.cut(0)
    assert cache.used == 0 and cache.deepest('a') == (0, None)


def test_without_a_budget_nothing_is_kept():
    cache = PrefixCache(budget=0)
    cache.keep('a', 1, KIB)
    assert cache.used == 0 and cache.deepest('a') == (0, None)


def test_maps_that_are_also_the_output_count_once():
    assert Activations(KIB.x, (KIB.x,)).bytes == 1024
    assert Activations(KIB.x, (torch.zeros(256),)).bytes == 2048
