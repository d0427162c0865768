"""AP with its noise: the whole is the protocol's, halves are its on half of the images."""

from __future__ import annotations

import numpy as np
import pytest

from mmbfbox.evaluation.metrics import WiderFaceMetric
from mmbfbox.evaluation.wider.ground_truth import WiderGroundTruth
from mmbfbox.evaluation.wider.noise import ap_with_noise
from mmbfbox.evaluation.wider.protocol import evaluate_wider_face


def random_images(seed: int, number: int = 40):
    """Images with faces of all sizes, found more or less well."""
    random = np.random.default_rng(seed)
    boxes, valid, found = {}, {}, {}
    for index in range(number):
        name = f'event{index % 3}/{index:03d}'
        count = int(random.integers(1, 8))
        corners, sizes = random.uniform(0, 500, (count, 2)), random.uniform(6, 90, (count, 1))
        boxes[name] = np.hstack([corners, sizes, sizes])
        valid[name] = random.random(count) < 0.9
        hits = np.hstack([boxes[name] + random.normal(0, 4, (count, 4)), random.random((count, 1))])
        wrong = np.hstack(
            [random.uniform(0, 500, (3, 2)), np.full((3, 2), 30), random.random((3, 1))]
        )
        found[name] = np.vstack([hits, wrong])
    return found, WiderGroundTruth.from_boxes_by_size(boxes, valid)


def test_the_whole_is_the_protocols_ap_and_halves_are_those_of_half_of_the_images():
    found, faces = random_images(0)
    noise = ap_with_noise(found, faces, 50)
    expected = evaluate_wider_face(found, faces).ap
    for subset, ap in expected.items():
        assert noise[subset] == pytest.approx(ap, abs=1e-12)
    assert noise['mean'] == pytest.approx(np.mean(list(expected.values())))
    for end, first in (('_even', 0), ('_odd', 1)):
        half = {name: found[name] for name in sorted(found)[first::2]}
        # Scores of both halves are normalised by the same numbers.
        low, high = (f(np.concatenate([r[:, 4] for r in found.values()])) for f in (np.min, np.max))
        scaled = {
            n: np.hstack([r[:, :4], (r[:, 4:] - low) / (high - low)]) for n, r in half.items()
        }
        ends = {'zz/low': np.array([[0.0, 0, 1, 1, 0]]), 'zz/high': np.array([[0.0, 0, 1, 1, 1]])}
        ap = evaluate_wider_face({**scaled, **ends}, faces.select(half)).ap
        for subset, value in ap.items():
            assert noise[subset + end] == pytest.approx(value, abs=1e-12)


def test_the_standard_error_is_the_spread_over_lists_of_images_and_independent_of_their_order():
    found, faces = random_images(1)
    noise = ap_with_noise(found, faces, 400)
    names = list(found)[::-1]
    reversed_ = ap_with_noise({n: found[n] for n in names}, faces.select(names), 400)
    assert reversed_ == pytest.approx(noise)
    others = [evaluate_wider_face(*random_images(seed)).ap['medium'] for seed in range(100, 160)]
    assert noise['medium_error'] == pytest.approx(np.std(others, ddof=1), rel=0.35)


def test_the_metric_gives_the_noise_only_if_it_is_asked_for():
    found, faces = random_images(2, number=6)
    results = [
        dict(
            name=name, detections=np.hstack([r[:, :2], r[:, :2] + r[:, 2:4], r[:, 4:]]),
            boxes=boxes, valid=np.ones(len(boxes), dtype=bool),
        )
        for (name, r), boxes in zip(found.items(), faces.boxes, strict=True)
    ]  # fmt: skip
    plain = WiderFaceMetric().compute_metrics(results)
    noisy = WiderFaceMetric(resamples=5).compute_metrics(results)
    assert set(plain) == {'easy', 'medium', 'hard'}
    ends = ('', '_even', '_odd', '_error')
    assert set(noisy) == {f'{n}{end}' for n in (*plain, 'mean') for end in ends}
    assert all(noisy[name] == pytest.approx(plain[name]) for name in plain)
