"""Colours change within their limits, and channels keep their places."""

from __future__ import annotations

import cv2
import numpy as np

from mmbfbox.datasets import FacePhotometricDistortion


def distort(image: np.ndarray, times: int) -> list[np.ndarray]:
    np.random.seed(0)
    transform = FacePhotometricDistortion()
    return [transform(dict(img=image))['img'] for _ in range(times)]


def test_images_stay_8_bit_and_the_input_is_not_changed():
    image = np.random.default_rng(0).integers(0, 255, (31, 47, 3), dtype=np.uint8)
    before = image.copy()
    for out in distort(image, 50):
        assert out.shape == image.shape and out.dtype == np.uint8
    np.testing.assert_array_equal(image, before)


def test_every_change_is_off_half_of_the_time():
    image = np.full((2, 2, 3), (60, 90, 120), np.uint8)
    same = sum(np.array_equal(out, image) for out in distort(image, 2000))
    assert abs(same / 2000 - 1 / 16) < 0.02


def test_grey_stays_grey_within_brightness_and_contrast():
    image = np.full((2, 2, 3), 100, np.uint8)
    values = np.array([out[0, 0] for out in distort(image, 2000)]).astype(int)
    assert (values == values[:, :1]).all()
    assert 34 <= values.min() < 45 and 185 < values.max() <= 198


def test_hue_turns_by_at_most_18_degrees():
    image = np.full((2, 2, 3), (20, 60, 200), np.uint8)
    hue = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_BGR2HSV)[0, 0, 0]
    turns = []
    for out in distort(image, 1000):
        turned = cv2.cvtColor(out.astype(np.float32) / 255, cv2.COLOR_BGR2HSV)[0, 0, 0]
        turns.append((turned - hue + 180) % 360 - 180)
        assert out[0, 0].argmax() == 2
    assert np.quantile(np.abs(turns), 0.98) < 20
    assert min(turns) < -14 and max(turns) > 14
