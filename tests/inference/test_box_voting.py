"""Box voting on arrays."""

from __future__ import annotations

import numpy as np
import pytest

from mmbfbox.errors import UserError
from mmbfbox.inference import vote_boxes

PAIR = np.array([[0, 0, 10, 10, 0.9], [0, 0, 10, 8, 0.3], [50, 50, 60, 60, 0.5]])


def test_overlapping_boxes_become_their_mean_weighted_by_score():
    voted = vote_boxes(PAIR, 0.5)
    np.testing.assert_allclose(voted, [[0, 0, 10, 9.5, 0.9], [50, 50, 60, 60, 0.5]])


def test_boxes_that_nothing_confirms_are_kept_or_dropped_as_asked():
    assert len(vote_boxes(PAIR, 0.5, 'keep')) == 2
    assert len(vote_boxes(PAIR, 0.5, 'drop')) == 1
    assert len(vote_boxes(PAIR[2:], 0.5, 'drop')) == 0
    with pytest.raises(UserError, match='"keep" or "drop"'):
        vote_boxes(PAIR, 0.5, 'discard')


def test_identical_views_change_no_bit():
    rng = np.random.default_rng(0)
    corners = rng.uniform(0, 1000, (40, 2)) // 60 * 60
    corners = np.unique(corners, axis=0)
    boxes = np.hstack((corners, corners + rng.uniform(20, 50, corners.shape)))
    single = np.hstack((boxes, rng.random((len(boxes), 1))))
    ordered = single[np.argsort(-single[:, 4])]
    for views in (1, 2, 5):
        np.testing.assert_array_equal(vote_boxes(np.tile(single, (views, 1)), 0.3), ordered)


def test_the_order_of_the_views_does_not_matter():
    rng = np.random.default_rng(1)
    corner = rng.uniform(0, 80, (60, 2))
    found = np.hstack((corner, corner + rng.uniform(5, 40, (60, 2)), rng.random((60, 1))))
    expected = vote_boxes(found, 0.3, 'drop')
    shuffled = vote_boxes(rng.permutation(found), 0.3, 'drop')
    np.testing.assert_allclose(shuffled, expected, rtol=0, atol=1e-9)


def test_no_more_than_the_limit_and_nothing_of_nothing():
    assert vote_boxes(np.zeros((0, 5)), 0.5).shape == (0, 5)
    far = np.arange(20)[:, None] * 100 + np.array([[0, 0, 10, 10, 1.0]])
    assert vote_boxes(far, 0.5, limit=7).shape == (7, 5)
    # scores of zero still have a mean
    zero = np.array([[0, 0, 10, 10, 0.0], [0, 0, 10, 8, 0.0]])
    np.testing.assert_allclose(vote_boxes(zero, 0.5), [[0, 0, 10, 9, 0]])
