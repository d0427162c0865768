"""The published view lists, and that boxes find back to the original image."""

from __future__ import annotations

import numpy as np
import pytest

from mmbfbox.inference.views import PRESETS, View


def scales(preset: str, height: int, width: int) -> list[tuple[float, bool]]:
    return [(round(v.scale, 3), v.flip) for v in PRESETS[preset].views(height, width)]


def test_s3fd_doubles_as_far_as_its_memory_goes():
    # sqrt(2147483647 / 577 / (768 * 1024)) = 2.175
    expected = [(1, False), (1, True), (0.5, False), (2, False), (2.175, False)]
    assert scales('s3fd', 768, 1024) == expected
    # 0.68: the original is too large, and so is its half
    assert [scale for scale, _ in scales('s3fd', 2000, 4000)] == [0.682, 0.682, 0.341, 0.512]
    assert [scale for scale, _ in scales('s3fd', 200, 200)] == [1, 1, 0.5, 2, 4, 8, 9.646]


def test_dsfd_looks_at_more_scales_up_to_three():
    found = [scale for scale, _ in scales('dsfd', 768, 1024)]
    assert found == [1, 1, 0.5, 0.75, 2, 1.5, 3, 0.25, 1.25, 1.75, 2.25]


def test_mogface_trusts_each_scale_with_a_range_of_areas():
    views = {v.scale: v for v in PRESETS['mogface'].views(768, 1024)}
    assert sorted(views) == [0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.25, 2.6]
    assert views[2.6].area_below == 7500 and views[0.5].area_above == 2000
    assert PRESETS['mogface'].singletons == 'keep' and PRESETS['dsfd'].singletons == 'drop'


def test_views_are_trusted_with_the_sizes_that_they_see_well():
    boxes = np.array([[0, 0, 20, 20], [0, 0, 20, 29.5], [0, 0, 120, 99.5], [0, 0, 200, 98]])
    assert View(long_side_above=30).trusts(boxes).tolist() == [False, True, True, True]
    assert View(short_side_below=100).trusts(boxes).tolist() == [True, True, False, True]
    assert View(area_above=400, area_below=12000).trusts(boxes).tolist() == [
        False, True, True, False,
    ]  # fmt: skip


@pytest.mark.parametrize('flip', [False, True])
def test_boxes_map_to_a_view_and_back_exactly(flip):
    rng = np.random.default_rng(0)
    for _ in range(200):
        image = tuple(rng.integers(20, 3000, 2).tolist())
        view = View(rng.uniform(0.1, 4), flip)
        size = tuple(max(1, round(side * view.scale)) for side in image)
        boxes = np.sort(rng.uniform(0, image[1], (5, 2, 2)), axis=1).reshape(5, 4)
        back = view.to_image(view.to_view(boxes, image, size), image, size)
        np.testing.assert_allclose(back, boxes, rtol=0, atol=1e-9)
        same = View(1.0, flip)
        twice = same.to_image(same.to_view(boxes, image, image), image, image)
        np.testing.assert_allclose(twice, boxes, rtol=0, atol=1e-12 * image[1])
