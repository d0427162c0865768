"""The split of the training images is fixed, disjoint and spread over the events."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from mmbfbox.datasets.split import split_names
from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import UserError

SIZES = dict(held_out=200, recalibration=500)
HELD_OUT = ['0--event/2.jpg', '1--event/1.jpg', '2--event/3.jpg']
RECALIBRATION = ['1--event/0.jpg', '0--event/1.jpg']


@pytest.fixture(scope='module')
def names(shared_data) -> list[str]:
    path = shared_data / 'wider_annotations' / 'wider_face_train_bbx_gt.txt'
    return [record.name for record in parse_wider_annotations(path)]


def test_parts_are_disjoint_and_complete(names):
    parts = {p: split_names(names, p, **SIZES, seed=0) for p in ('train', 'held_out')}
    assert len(parts['held_out']) == 200
    assert sorted(parts['train'] + parts['held_out']) == sorted(names)
    recalibration = split_names(names, 'recalibration', **SIZES, seed=0)
    assert len(set(recalibration)) == 500
    assert set(recalibration) <= set(parts['train'])


def test_held_out_follows_the_events(names):
    everywhere = Counter(name.split('/')[0] for name in names)
    chosen = Counter(name.split('/')[0] for name in split_names(names, 'held_out', **SIZES, seed=0))
    for event, count in everywhere.items():
        assert abs(chosen[event] - count * 200 / len(names)) < 1


def test_split_does_not_depend_on_the_order_of_the_file(names):
    shuffled = [names[i] for i in np.random.default_rng(0).permutation(len(names))]
    for part in ('held_out', 'recalibration'):
        assert split_names(shuffled, part, **SIZES, seed=0) == split_names(
            names, part, **SIZES, seed=0
        )
    assert set(split_names(shuffled, 'train', **SIZES, seed=0)) == set(
        split_names(names, 'train', **SIZES, seed=0)
    )


def test_split_of_a_seed_never_changes():
    names = [f'{event}--event/{image}.jpg' for event in range(3) for image in range(4)]
    sizes = dict(held_out=3, recalibration=2)
    assert split_names(names, 'held_out', **sizes, seed=0) == HELD_OUT
    assert split_names(names, 'recalibration', **sizes, seed=0) == RECALIBRATION
    assert split_names(names, 'held_out', **sizes, seed=1) != HELD_OUT


@pytest.mark.parametrize('wrong', [dict(part='test'), dict(held_out=9), dict(recalibration=-1)])
def test_impossible_splits_are_refused(wrong):
    keys = dict(part='train', held_out=1, recalibration=1, seed=0) | wrong
    with pytest.raises(UserError):
        split_names(['a/1.jpg', 'a/2.jpg', 'b/3.jpg'], **keys)


@pytest.mark.parametrize('key', ['held_out', 'recalibration'])
@pytest.mark.parametrize('value', [None, '1', 0.5, [1]])
def test_what_is_no_number_of_images_is_refused_by_its_key(key, value):
    keys = dict(part='train', held_out=1, recalibration=1, seed=0) | {key: value}
    with pytest.raises(UserError, match=f'dataset.{key} is .*, expected a whole number'):
        split_names(['a/1.jpg', 'a/2.jpg', 'b/3.jpg'], **keys)
