"""The WIDER FACE protocol gives the published evaluators' numbers and does what it says."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmbfbox.errors import UserError
from mmbfbox.evaluation.wider.io import read_wider_predictions
from mmbfbox.evaluation.wider.protocol import (
    SUBSETS,
    WiderGroundTruth,
    average_precision,
    evaluate_wider_face,
)

RETINAFACE = 'ajmalrasi_jit_retinaface'
YOLO5FACE = 'illenium7_yolov5face'
REFERENCE = {
    (RETINAFACE, 'wider_ground_truth'): (0.944837, 0.924471, 0.815325),
    (YOLO5FACE, 'wider_ground_truth'): (0.943859, 0.925214, 0.827376),
    (RETINAFACE, 'wider_mini/ground_truth'): (0.949189, 0.922904, 0.785566),
    (YOLO5FACE, 'wider_mini/ground_truth'): (0.949015, 0.923756, 0.794307),
}


@cache
def predictions(shared_data: Path, name: str) -> dict[str, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return read_wider_predictions(shared_data / 'wider_predictions' / name)


def one_subset(boxes: dict, keep: dict) -> WiderGroundTruth:
    return WiderGroundTruth.from_boxes(boxes, {subset: keep for subset in SUBSETS})


@pytest.mark.parametrize(('detector', 'truth'), REFERENCE)
def test_equals_the_reference_evaluators(shared_data: Path, detector: str, truth: str) -> None:
    ground_truth = WiderGroundTruth.from_mats(shared_data / truth)
    result = evaluate_wider_face(predictions(shared_data, detector), ground_truth)
    assert tuple(result.ap.values()) == pytest.approx(REFERENCE[detector, truth], abs=1e-6)


def test_counts_the_official_number_of_faces(shared_data: Path) -> None:
    ground_truth = WiderGroundTruth.from_mats(shared_data / 'wider_ground_truth')
    result = evaluate_wider_face({}, ground_truth)
    assert [getattr(result, subset).faces for subset in SUBSETS] == [7211, 13319, 31958]
    assert result.ap == {'easy': 0.0, 'medium': 0.0, 'hard': 0.0}


def test_order_of_images_and_detections_changes_nothing(shared_data: Path) -> None:
    ground_truth = WiderGroundTruth.from_mats(shared_data / 'wider_mini/ground_truth')
    ordered = predictions(shared_data, YOLO5FACE)
    rng = np.random.default_rng(0)
    shuffled = {name: rng.permutation(ordered[name]) for name in rng.permutation(sorted(ordered))}
    before = evaluate_wider_face(ordered, ground_truth)
    after = evaluate_wider_face(shuffled, ground_truth)
    assert after.ap == before.ap
    assert (after.hard.proposals == before.hard.proposals).all()


def test_size_rule_decides_nearly_all_validation_faces_like_the_official_mats(
    shared_data: Path,
) -> None:
    official = WiderGroundTruth.from_mats(shared_data / 'wider_ground_truth')
    boxes = dict(zip(official.names, official.boxes, strict=True))
    by_size = WiderGroundTruth.from_boxes_by_size(
        boxes, {name: np.ones(len(rows), dtype=bool) for name, rows in boxes.items()}
    )
    for subset, least in {'easy': 0.997, 'medium': 0.994, 'hard': 0.97}.items():
        ours, theirs = np.concatenate(by_size.keep[subset]), np.concatenate(official.keep[subset])
        assert np.mean(ours == theirs) > least


def test_matlab_integer_arithmetic_moves_ap_only_a_little(shared_data: Path) -> None:
    ground_truth = WiderGroundTruth.from_mats(shared_data / 'wider_ground_truth')
    result = evaluate_wider_face(predictions(shared_data, YOLO5FACE), ground_truth, integer=True)
    expected = {'easy': 0.943721, 'medium': 0.925192, 'hard': 0.827320}
    assert result.ap == pytest.approx(expected, abs=1e-6)


def test_ignored_face_costs_nothing_and_second_hit_is_a_false_positive() -> None:
    truth = one_subset({'a/1': [[0, 0, 9, 9], [100, 0, 9, 9]]}, {'a/1': [True, False]})
    rows = [[0, 0, 9, 9, 0.9], [100, 0, 9, 9, 0.8], [100, 0, 9, 9, 0.7], [0, 0, 9, 9, 0.1]]
    curve = evaluate_wider_face({'a/1': np.array(rows)}, truth).hard
    assert curve.ap == 1.0
    assert (curve.misses, curve.false_positives) == (0, 1)


def test_half_overlap_counts_and_sides_are_one_pixel_longer_than_width_and_height() -> None:
    truth = one_subset({'a/1': [[0, 0, 9, 9]]}, {'a/1': [True]})
    exactly_half = {'a/1': np.array([[0.0, 0, 9, 4, 0.5]])}
    assert evaluate_wider_face(exactly_half, truth).hard.ap == 1.0
    less = {'a/1': np.array([[0.0, 0, 9, 3.99, 0.5]])}
    assert evaluate_wider_face(less, truth).hard.ap == 0.0


def test_integer_arithmetic_hits_the_first_face_instead_of_the_best() -> None:
    truth = one_subset({'a/1': [[0, 0, 10, 10], [0, 2, 10, 10]]}, {'a/1': [False, True]})
    rows = {'a/1': np.array([[0.0, 2, 10, 10, 0.9]])}
    assert evaluate_wider_face(rows, truth).hard.misses == 0
    assert evaluate_wider_face(rows, truth, integer=True).hard.misses == 1


def test_images_without_faces_or_without_predictions() -> None:
    truth = one_subset(
        {'a/none': np.zeros((0, 4)), 'a/missed': [[0, 0, 20, 20]], 'a/1': [[0, 0, 20, 20]]},
        {'a/none': [], 'a/missed': [True], 'a/1': [True]},
    )
    rows = np.array([[0.0, 0, 20, 20, 0.9]])
    curve = evaluate_wider_face({'a/none': rows, 'a/1': rows}, truth).hard
    assert (curve.ap, curve.misses, curve.false_positives) == (0.5, 1, 0)


def test_no_faces_at_all_is_not_a_number() -> None:
    truth = one_subset({'a/1': np.zeros((0, 4))}, {'a/1': []})
    assert np.isnan(evaluate_wider_face({}, truth).hard.ap)


def test_scores_are_normalised_over_all_predictions() -> None:
    truth = one_subset({'a/1': [[0, 0, 20, 20]]}, {'a/1': [True]})
    inside = {'a/1': np.array([[0.0, 0, 20, 20, 5.0]])}
    outside = {'b/2': np.array([[0.0, 0, 20, 20, -5.0], [0, 0, 20, 20, 15.0]])}
    curve = evaluate_wider_face(inside | outside, truth).hard
    assert np.flatnonzero(curve.recalled)[0] == 499  # the threshold 0.5


def test_size_subsets_take_valid_faces_above_50_30_and_10_pixels() -> None:
    heights = [51, 50, 31, 30, 11, 10, 60]
    truth = WiderGroundTruth.from_boxes_by_size(
        {'a/1': [[0, 0, 5, height] for height in heights]}, {'a/1': [True] * 6 + [False]}
    )
    kept = [int(truth.keep[subset][0].sum()) for subset in SUBSETS]
    assert kept == [1, 3, 5]


def test_select_keeps_the_given_order_and_names_what_is_missing() -> None:
    truth = one_subset({'a/1': [[0, 0, 9, 9]], 'a/2': []}, {'a/1': [True], 'a/2': []})
    assert truth.select(['a/2', 'a/1']).names == ('a/2', 'a/1')
    with pytest.raises(UserError, match='a/3'):
        truth.select(['a/1', 'a/3'])


def test_wrong_shapes_and_values_are_refused() -> None:
    truth = one_subset({'a/1': [[0, 0, 9, 9]]}, {'a/1': [True]})
    for rows in (np.zeros((1, 4)), np.full((1, 5), np.nan), np.array([[0, 0, 9, 9, np.inf]])):
        with pytest.raises(UserError, match='a/1'):
            evaluate_wider_face({'a/1': rows}, truth)
    with pytest.raises(UserError, match='a/1'):
        one_subset({'a/1': [[0, 0, 9, 9]]}, {'a/1': [True, False]})


def plain_ap(predicted: dict, truth: WiderGroundTruth, subset: str) -> float:
    """The protocol step by step, as the organisers describe it."""
    scores = np.concatenate([rows[:, 4] for rows in predicted.values()])
    low, high = scores.min(), scores.max()
    counts = np.zeros((1000, 2))
    faces = 0
    for index, name in enumerate(truth.names):
        boxes, keep = truth.boxes[index], truth.keep[subset][index]
        faces += keep.sum()
        rows = predicted[name][np.argsort(-predicted[name][:, 4], kind='stable')]
        if not len(boxes):
            continue
        found, valid, recalled = set(), [], []
        for x, y, w, h, _ in rows:
            ious = []
            for u, v, p, q in boxes:
                width = min(x + w, u + p) - max(x, u) + 1
                height = min(y + h, v + q) - max(y, v) + 1
                inter = width * height if width > 0 and height > 0 else 0
                ious.append(inter / ((w + 1) * (h + 1) + (p + 1) * (q + 1) - inter))
            best = int(np.argmax(ious))
            hit = ious[best] >= 0.5
            valid.append(not hit or keep[best])
            if hit and keep[best]:
                found.add(best)
            recalled.append(len(found))
        for step in range(1000):
            above = (rows[:, 4] - low) / (high - low) >= 1 - (step + 1) / 1000
            if above.any():
                last = np.flatnonzero(above)[-1]
                counts[step] += sum(valid[: last + 1]), recalled[last]
    recall = counts[:, 1] / faces
    precision = counts[:, 1] / np.maximum(counts[:, 0], 1)
    return average_precision(recall, precision)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_equals_the_protocol_done_step_by_step(seed: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = {f'a/{i}': np.round(rng.uniform(1, 40, (rng.integers(0, 5), 4))) for i in range(4)}
    boxes['a/last'] = np.array([[5.0, 5, 30, 30]])
    keep = {name: rng.random(len(rows)) < 0.7 for name, rows in boxes.items()}
    keep['a/last'][:] = True
    predicted = {}
    for name, rows in boxes.items():
        around = np.repeat(rows, 3, axis=0) + rng.normal(0, 3, (3 * len(rows), 4))
        random = rng.uniform(1, 40, (2, 4))
        found = np.vstack((around, random))
        predicted[name] = np.hstack((found, rng.integers(0, 50, (len(found), 1)) / 49))
    truth = one_subset(boxes, keep)
    result = evaluate_wider_face(predicted, truth)
    assert result.hard.ap == pytest.approx(plain_ap(predicted, truth, 'hard'), abs=1e-12)


def test_absurd_numbers_are_misses_or_refused_without_noise() -> None:
    truth = one_subset({'a/1': [[0, 0, 9, 9]]}, {'a/1': [True]})
    rows = [[0, 0, 1e300, 1e300, 0.5], [-1e300, 0, -5, -5, 0.9], [0, 0, 9, 9, 0.1]]
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        curve = evaluate_wider_face({'a/1': np.array(rows)}, truth).hard
    assert (curve.misses, curve.false_positives) == (0, 2)
    with pytest.raises(UserError, match='normalised'):
        evaluate_wider_face({'a/1': np.array([[0, 0, 9, 9, 1e308], [0, 0, 9, 9, -1e308]])}, truth)


def test_equal_scores_all_count_at_every_threshold() -> None:
    truth = one_subset({'a/1': [[0, 0, 9, 9]]}, {'a/1': [True]})
    curve = evaluate_wider_face({'a/1': np.array([[0.0, 0, 9, 9, 0.3]])}, truth).hard
    assert curve.recalled[0] == 1
    assert curve.ap == 1.0
