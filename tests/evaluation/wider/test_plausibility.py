"""Real predictions, written as users write them by mistake, are told apart from a bad detector."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mmbfbox.evaluation.files import evaluate_wider_files
from mmbfbox.evaluation.wider.io import read_wider_predictions, write_wider_predictions
from mmbfbox.evaluation.wider.plausibility import likely_mistake
from mmbfbox.evaluation.wider.protocol import WiderGroundTruth

Rows = np.ndarray


@pytest.fixture(scope='module')
def truth(shared_data: Path) -> WiderGroundTruth:
    return WiderGroundTruth.from_mats(shared_data / 'wider_mini/ground_truth')


@pytest.fixture(scope='module')
def real(shared_data: Path, truth: WiderGroundTruth) -> dict[str, Rows]:
    """A detector's boxes on a few images."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        found = read_wider_predictions(shared_data / 'wider_predictions/ajmalrasi_jit_retinaface')
    return {name: found[name] for name in truth.names[:60]}


def sizes(shared_data: Path) -> dict[str, tuple[int, int]]:
    """Width and height of the images."""
    with open(shared_data / 'wider_annotations/image_sizes.csv') as handle:
        rows = list(csv.reader(handle))
    return {row[1].removesuffix('.jpg'): (int(row[2]), int(row[3])) for row in rows[1:]}


def corners(rows: Rows) -> Rows:
    return np.hstack((rows[:, :2], rows[:, :2] + rows[:, 2:4], rows[:, 4:]))


def score_first(rows: Rows) -> Rows:
    return np.roll(rows, 1, axis=1)


def centred(rows: Rows) -> Rows:
    return np.hstack((rows[:, :2] + rows[:, 2:4] / 2, rows[:, 2:]))


@pytest.mark.parametrize(
    ('spoil', 'cause'),
    [
        (corners, 'right and lower edge'),
        (score_first, 'the score first;'),
        (centred, 'the centre'),
        (lambda rows: score_first(corners(rows)), 'the score first and the right and lower edge'),
    ],
)
def test_the_order_of_the_numbers_is_recognised(
    spoil: Callable[[Rows], Rows], cause: str, real: dict, truth: WiderGroundTruth
) -> None:
    told = likely_mistake({name: spoil(rows) for name, rows in real.items()}, truth)
    assert told is not None and cause in told and 'left top width height score' in told


def test_boxes_in_parts_of_the_image_are_recognised(
    shared_data: Path, real: dict, truth: WiderGroundTruth, tmp_path: Path
) -> None:
    known = sizes(shared_data)
    spoiled = {}
    for name, rows in real.items():
        width, height = known[name]
        spoiled[name] = rows / [width, height, width, height, 1]
    write_wider_predictions(tmp_path, spoiled)
    with pytest.warns(UserWarning, match='parts of the image, 0 to 1; pixels are expected'):
        found = evaluate_wider_files({'a': tmp_path}, shared_data / 'wider_mini')
    assert found.results['a']['hard'] < 0.01


def test_a_detector_that_works_and_one_that_is_weak_are_left_alone(
    real: dict, truth: WiderGroundTruth
) -> None:
    assert likely_mistake(real, truth) is None
    assert likely_mistake({}, truth) is None
    best = {name: rows[np.argsort(-rows[:, 4])][:1] for name, rows in real.items()}
    assert likely_mistake(best, truth) is None


def test_boxes_that_hit_nothing_in_any_reading_are_told_without_a_cause(
    real: dict, truth: WiderGroundTruth
) -> None:
    far = {name: rows + np.array([9000.0, 9000, 0, 0, 0]) for name, rows in real.items()}
    told = likely_mistake(far, truth)
    assert told is not None and 'pixels of the original image' in told
