"""Multi-scale testing around a detector."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.inference import MultiViewDetector
from tests.inference.images import batch, found


class Oracle(nn.Module):
    """Finds the white rectangle of an image to the pixel edge; more certain in larger images."""

    def __init__(self) -> None:
        super().__init__()
        self.bbox_head = SimpleNamespace(test_cfg=dict(max_per_img=100))
        self.seen: list[tuple[int, int]] = []

    def test_step(self, data: Any) -> list[DetDataSample]:
        (image,) = data['inputs']
        self.seen.append(tuple(image.shape[-2:]))
        rows, columns = np.nonzero(image[0].numpy() > 127)
        box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        sample = data['data_samples'][0]
        sample.pred_instances = InstanceData(
            bboxes=torch.tensor([box], dtype=torch.float32),
            scores=torch.tensor([image.shape[-1] / 1000]),
        )
        return [sample]


@pytest.fixture
def photograph() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (150, 210, 3), dtype=np.uint8)


def test_boxes_found_in_scaled_and_mirrored_views_are_exact_in_the_original():
    pixels = np.zeros((100, 160, 3), np.uint8)
    pixels[20:48, 32:80] = 255
    oracle = Oracle()
    detector = MultiViewDetector(oracle, scales=(0.5, 1, 2, 3), flip=True)
    (sample,) = detector.test_step(batch(pixels))
    assert set(oracle.seen) == {(50, 80), (100, 160), (200, 320), (300, 480)}
    assert len(oracle.seen) == 8
    np.testing.assert_array_equal(sample.pred_instances.bboxes.numpy(), [[32, 20, 80, 48]])
    assert sample.pred_instances.scores.item() == pytest.approx(0.48)


@pytest.mark.parametrize('size', [(1, 1), (40, 1), (1, 40)])
def test_an_image_one_pixel_thin_is_seen_mirrored_too(size: tuple[int, int]):
    pixels = np.full((*size, 3), 255, np.uint8)
    detector = MultiViewDetector(Oracle(), scales=(1,), flip=True)
    (sample,) = detector.test_step(batch(pixels))
    np.testing.assert_array_equal(sample.pred_instances.bboxes.numpy(), [[0, 0, size[1], size[0]]])


def test_one_identical_view_is_the_detector_itself(supernet, photograph):
    with torch.no_grad():
        (single,) = supernet.test_step(batch(photograph))
        (viewed,) = MultiViewDetector(supernet).test_step(batch(photograph))
    assert len(found(single)) > 10
    np.testing.assert_array_equal(found(viewed), found(single))


def test_identical_views_twice_confirm_every_box_and_change_none(supernet, photograph):
    with torch.no_grad():
        (single,) = supernet.test_step(batch(photograph))
        twice = MultiViewDetector(supernet, scales=(1, 1), singletons='drop')
        (viewed,) = twice.test_step(batch(photograph))
    np.testing.assert_array_equal(found(viewed), found(single))


def test_presets_run_and_report_boxes_inside_the_image(supernet, photograph):
    small = photograph[:60, :80]
    detector = MultiViewDetector(supernet, preset='mogface_hard')
    assert supernet.bbox_head.test_cfg.nms.iou_threshold == 0.4
    with torch.no_grad():
        (sample,) = detector.test_step(batch(small))
    boxes = sample.pred_instances.bboxes.numpy()
    assert len(boxes) and boxes.min() >= -1e-6
    assert boxes[:, 2].max() <= 80 + 1e-6 and boxes[:, 3].max() <= 60 + 1e-6


def test_keys_out_of_range_are_named(supernet, photograph):
    with pytest.raises(UserError, match='unknown'):
        MultiViewDetector(supernet, preset='s4fd')
    with pytest.raises(UserError, match='above 0'):
        MultiViewDetector(supernet, scales=(1, 0))
    resized = batch(photograph)
    resized['data_samples'][0].set_metainfo(dict(ori_shape=(300, 420)))
    with pytest.raises(UserError, match='only loads and packs'):
        MultiViewDetector(supernet).test_step(resized)
