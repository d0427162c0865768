"""Damaged files end in a result or in one sentence, and what cannot be read is counted."""

from __future__ import annotations

import logging

import pytest

from benchmarks.data.damaged_files import (
    CERTAIN,
    count_damaged,
    fuzz_annotations,
    small_copy,
    training_pipeline,
)


@pytest.fixture
def small(shared_data, tmp_path):
    logging.disable(logging.WARNING)
    yield small_copy(shared_data / 'wider_mini', tmp_path / 'small', 6)
    logging.disable(logging.NOTSET)


def test_200_damaged_annotation_files(small):
    """2,000: benchmarks/data/damaged_files.py."""
    pipeline = training_pipeline()
    pipeline[3].canvas = 64
    outcomes = fuzz_annotations(small, 200, 1, pipeline)
    assert set(outcomes) == {'accepted', 'refused in one sentence'}
    assert sum(outcomes.values()) == 200


def test_90_damaged_jpegs(small):
    """500: benchmarks/data/damaged_files.py."""
    pipeline = training_pipeline()
    pipeline[3].canvas = 64
    outcomes = count_damaged(small, 90, 1, pipeline)
    refused = sum(n for (_, what), n in outcomes.items() if what == 'refused in one sentence')
    decoded = sum(n for (_, what), n in outcomes.items() if what == 'decoded')
    assert refused + decoded == 90
    assert not any(outcomes[kind, 'decoded'] for kind in CERTAIN)
    # With a wrong bit most files are still good JPEGs, of another picture.
    assert outcomes['one bit', 'decoded'] == decoded
    assert outcomes['all', 'skipped in training and counted'] == refused
    assert outcomes['all', 'bad but not counted, or counted but good'] == 0
