"""Batched post-processing gives what mmdet gives, box for box."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmcv.ops import nms
from mmdet.registry import MODELS
from mmengine import ConfigDict
from mmengine.registry import init_default_scope

from mmbfbox.search.scoring.fast.detections import can_batch, detect
from mmbfbox.search.scoring.fast.suppress import suppress

METAS = [
    dict(img_shape=(64, 64), scale_factor=(0.5, 0.5)),
    dict(img_shape=(64, 64), scale_factor=(0.3, 0.7)),
    dict(img_shape=(64, 64), scale_factor=(1.0, 1.0)),
]


def some_boxes(seed: int, number: int, distinct: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Boxes of many sizes and their falling scores, of which so many differ."""
    random = np.random.default_rng(seed)
    start = random.uniform(0, 100, (number, 2))
    size = np.exp(random.uniform(-2, 4, (number, 2)))
    boxes = torch.tensor(np.hstack((start, start + size)), dtype=torch.float32)
    scores = torch.tensor(random.integers(1, distinct, number) / distinct, dtype=torch.float32)
    scores, order = scores.sort(descending=True, stable=True)
    return boxes[order], scores


def ours(boxes, scores, **keys):
    settings = dict(threshold=0.3, most=10**6, most_a_level=10**6) | keys
    levels = np.zeros(scores.shape, np.int8)
    return suppress(boxes.numpy(), scores.numpy(), levels, **settings)


@pytest.mark.parametrize('seed', range(12))
@pytest.mark.parametrize('number', [1, 2, 40, 700])
def test_the_same_boxes_survive_as_in_mmcv(seed, number):
    boxes, scores = some_boxes(seed, number, 2**30)
    _, expected = nms(boxes, scores, 0.3)
    (kept,), (tie,) = ours(boxes[None], scores[None])
    assert not tie and kept.tolist() == expected.tolist()
    (first,), _ = ours(boxes[None], scores[None], most=5)
    assert first.tolist() == expected[:5].tolist()


def test_a_tie_is_told_where_the_order_of_equal_scores_decides():
    box = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [50, 50, 60, 60]])
    overlapping = ours(box[None], torch.tensor([[0.5, 0.5, 0.1]]))
    assert overlapping[1] == [True]
    apart = ours(box[None], torch.tensor([[0.5, 0.4, 0.4]]))
    assert apart[0][0].tolist() == [0, 2] and apart[1] == [False]
    at_the_end = ours(box[[0, 2]][None], torch.tensor([[0.5, 0.5]]), most=1)
    assert at_the_end[1] == [True]


def test_images_are_independent_and_empty_ones_stay_empty():
    parts = [some_boxes(seed, 60, 2**30) for seed in range(5)]
    boxes, scores = (torch.stack(part) for part in zip(*parts, strict=True))
    scores[2] = -1
    kept, ties = ours(boxes, scores)
    assert len(kept[2]) == 0 and not any(ties)
    for image in range(5):
        (alone,), _ = ours(boxes[image, None], scores[image, None])
        assert kept[image].tolist() == alone.tolist()


@pytest.fixture(scope='module')
def head():
    init_default_scope('mmdet')
    import mmbfbox.models  # noqa: F401

    anchors = dict(
        type='AnchorGenerator',
        octave_base_scale=4,
        scales_per_octave=1,
        ratios=[1.0],
        strides=[4, 8],
    )
    config = ConfigDict(score_thr=0.3, nms_pre=90, max_per_img=40, min_bbox_size=0)
    config['nms'] = dict(type='nms', iou_threshold=0.3)
    settings = dict(num_classes=1, in_channels=8, anchor_generator=anchors, test_cfg=config)
    return MODELS.build(dict(type='PerLevelRetinaHead', **settings))


def outputs(seed: int, steps: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Outputs of a head for three images; the scores have so many different values."""
    random = torch.Generator().manual_seed(seed)
    scores = [torch.randn(3, 1, size, size, generator=random) for size in (16, 8)]
    deltas = [torch.randn(3, 4, size, size, generator=random) for size in (16, 8)]
    return [(score * steps).round() / steps for score in scores], deltas


def rows(found) -> list[list[float]]:
    columns = (found['scores'].unsqueeze(1), found['bboxes'], found['labels'].unsqueeze(1))
    return sorted(torch.cat(columns, 1).tolist())


@pytest.mark.parametrize('steps', [1, 20, 10**6])
@pytest.mark.parametrize('shapes', ['one', 'several'])
def test_detections_are_those_of_mmdet_also_with_equal_scores(head, steps, shapes):
    metas = [dict(meta) for meta in METAS]
    if shapes == 'several':
        metas[1]['img_shape'] = (40, 64)
    for seed in range(3):
        scores, deltas = outputs(seed, steps)
        scores[0][0, 0, 3, 3] = float('nan')
        deltas[1][1, 2, 0, 0] = float('inf')
        expected = head.predict_by_feat(scores, deltas, batch_img_metas=metas, rescale=True)
        found = detect(head, scores, deltas, metas).result()
        for mine, theirs in zip(found, expected, strict=True):
            # Boxes of the very same score may stand in another order.
            assert rows(mine) == rows(theirs)


def test_an_image_without_candidates_has_no_detections(head):
    scores, deltas = outputs(0, 10)
    for level in scores:
        level[1] = -9
    found = detect(head, scores, deltas, METAS).result()
    assert [len(image['scores']) > 0 for image in found] == [True, False, True]
    none = detect(head, [score - 99 for score in scores], deltas, METAS).result()
    assert not any(len(image['scores']) for image in none)


def test_what_is_computed_otherwise_is_left_to_the_head(head, monkeypatch):
    assert can_batch(head)
    monkeypatch.setitem(head.test_cfg.nms, 'type', 'soft_nms')
    assert not can_batch(head)
    scores, deltas = outputs(0, 10**6)
    expected = head.predict_by_feat(scores, deltas, batch_img_metas=METAS, rescale=True)
    found = detect(head, scores, deltas, METAS).result()
    assert torch.equal(found[0]['bboxes'], expected[0].bboxes)
