"""The head's losses are those of mmdet's head, without asking the device for anything."""

from __future__ import annotations

import copy

import pytest
import torch
from mmdet.models.dense_heads import RetinaHead
from mmdet.registry import MODELS
from mmengine.structures import InstanceData

from tests.reading import counted_reads

SIDE = 64


def boxes_of(*boxes) -> InstanceData:
    boxes = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return InstanceData(bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long))


FACES = [
    boxes_of([3, 4, 20, 25], [30, 30, 60, 63], [10, 10, 12, 13]),
    boxes_of(),
    # An empty face, and one beside another.
    boxes_of([5, 5, 5, 9], [40, 2, 50, 14], [41, 3, 50, 14]),
]
IGNORED = [boxes_of([50, 5, 55, 9]), boxes_of([0, 0, 30, 30]), boxes_of()]
METAS = [dict(img_shape=(SIDE, SIDE), pad_shape=(SIDE, SIDE))] * 3


@pytest.fixture
def head(supernet_config):
    config = copy.deepcopy(supernet_config.model.bbox_head)
    config.bbox_coder.update(target_means=[0.1, 0.0, -0.2, 0.0], target_stds=[0.1, 0.2, 0.3, 0.4])
    config.anchor_generator.strides = [4, 8, 16]
    torch.manual_seed(0)
    return MODELS.build({**config, 'train_cfg': supernet_config.model.train_cfg})


def outputs(head, faces=FACES):
    generator = torch.Generator().manual_seed(1)
    maps = [
        torch.randn(len(faces), head.in_channels, SIDE // s, SIDE // s, generator=generator)
        for s in (4, 8, 16)
    ]
    return head(maps)


def losses_and_gradients(head, loss_by_feat, faces, ignored, metas):
    head.zero_grad()
    losses = loss_by_feat(*outputs(head, faces), faces, metas, ignored)
    values = [*losses['loss_cls'], *losses['loss_bbox']]
    sum(values).backward()
    return [*values, *(parameter.grad.clone() for parameter in head.parameters())]


def plain(head):
    """What mmdet makes of it."""
    return lambda *args: RetinaHead.loss_by_feat(head, *args)


def same(ours, theirs) -> bool:
    """To the last bit; not numbers, which an empty face makes, count as equal."""
    return all(torch.equal(a.nan_to_num(), b.nan_to_num()) for a, b in zip(ours, theirs))


@pytest.mark.parametrize('images', [slice(0, 3), slice(0, 1), slice(1, 2), slice(2, 3)])
def test_losses_and_gradients_are_those_of_mmdet(head, images):
    data = FACES[images], IGNORED[images], METAS[images]
    ours = losses_and_gradients(head, head.loss_by_feat, *data)
    theirs = losses_and_gradients(head, plain(head), *data)
    assert all(value.isfinite().all() for value in theirs) or images.stop == 3
    assert same(ours, theirs)


def test_images_that_do_not_fill_the_canvas_go_the_way_of_mmdet(head):
    metas = [*METAS[:2], dict(img_shape=(40, 30), pad_shape=(40, 32))]
    ours = losses_and_gradients(head, head.loss_by_feat, FACES, IGNORED, metas)
    theirs = losses_and_gradients(head, plain(head), FACES, IGNORED, metas)
    assert same(ours, theirs)


def test_nothing_is_read_from_the_device(head):
    maps = outputs(head)
    head.loss_by_feat(*maps, FACES, METAS, IGNORED)  # makes the anchors
    with counted_reads() as reads:
        head.loss_by_feat(*maps, FACES, METAS, IGNORED)
    assert not reads
    with counted_reads() as reads:
        RetinaHead.loss_by_feat(head, *maps, FACES, METAS, IGNORED)
    assert len(reads) > 10  # so the count is one


def test_anchors_of_few_sizes_are_kept(head):
    for side in range(1, 20):
        sizes = [(side, 2), (1, 1), (1, 1)]
        anchors = head._anchors_of(sizes, torch.device('cpu'))
        assert len(anchors) == 2 * side + 2 and len(head._anchors) <= 8
