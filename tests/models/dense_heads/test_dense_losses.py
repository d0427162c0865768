"""Losses of every anchor at once are mmdet's, with their gradients, and read nothing from the device."""

from __future__ import annotations

import pytest
import torch
from mmdet.models.losses import (
    CIoULoss,
    DIoULoss,
    GIoULoss,
    IoULoss,
    L1Loss,
    QualityFocalLoss,
    SmoothL1Loss,
)
from mmdet.models.task_modules.coders import DeltaXYWHBBoxCoder
from mmdet.structures.bbox import bbox_overlaps

from mmbfbox.models.dense_heads.dense_losses import (
    aligned_iou,
    decode,
    delta_box_loss,
    iou_box_loss,
    quality_focal_loss,
)
from tests.reading import counted_reads

GENERATOR = torch.Generator().manual_seed(0)


def boxes(number: int) -> torch.Tensor:
    corners = 60 * torch.rand(number, 2, generator=GENERATOR)
    return torch.cat([corners, corners + 1 + 30 * torch.rand(number, 2, generator=GENERATOR)], 1)


def value_and_gradient(function, inputs):
    inputs = inputs.clone().requires_grad_()
    value = function(inputs)
    value.backward()
    return value.detach(), inputs.grad


@pytest.mark.parametrize('classes', [1, 3])
def test_the_quality_focal_loss_is_that_of_mmdet(classes):
    scores = torch.randn(40, classes, generator=GENERATOR)
    labels = torch.randint(0, classes + 1, (40,), generator=GENERATOR)
    quality = torch.rand(40, generator=GENERATOR) * (labels < classes)
    weights, divisor = (torch.arange(40) % 5 > 0).float(), torch.tensor(7.0)
    columns = labels[:, None] == torch.arange(classes)
    goals = quality[:, None] * columns
    theirs = QualityFocalLoss(use_sigmoid=True, beta=2.0)
    expected = value_and_gradient(
        lambda s: theirs(s, (labels, quality), weights, avg_factor=divisor), scores
    )
    with counted_reads() as reads:
        found = value_and_gradient(
            lambda s: quality_focal_loss(s, goals, weights, 2.0, divisor), scores
        )
    assert not reads
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize('kind', [IoULoss, GIoULoss, DIoULoss, CIoULoss])
@pytest.mark.parametrize('weighted', [0.0, 1.0])
def test_losses_of_boxes_are_those_of_mmdet(kind, weighted):
    module, found, goals = kind(loss_weight=2.0), boxes(30), boxes(30)
    weights, divisor = weighted * torch.rand(30, generator=GENERATOR), torch.tensor(3.0)
    expected = value_and_gradient(lambda b: module(b, goals, weights, avg_factor=divisor), found)
    if kind is DIoULoss:
        with counted_reads() as reads:
            iou_box_loss(module, found, goals, weights, divisor)
        assert not reads
    ours = value_and_gradient(lambda b: iou_box_loss(module, b, goals, weights, divisor), found)
    torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize('module', [SmoothL1Loss(beta=0.1, loss_weight=2.0), L1Loss()])
def test_losses_of_deltas_are_those_of_mmdet(module):
    deltas, goals = torch.randn(2, 30, 4, generator=GENERATOR)
    divisor = torch.tensor(3.0)
    for weights in (None, torch.rand(30, 4, generator=GENERATOR)):
        expected = module(deltas, goals, weights, avg_factor=divisor)
        with counted_reads() as reads:
            ours = delta_box_loss(module, deltas, goals, weights, divisor)
        assert not reads and torch.equal(ours, expected)


def test_boxes_and_their_overlap_are_those_of_mmdet():
    anchors, others = boxes(50), boxes(50)
    deltas = 2 * torch.randn(50, 4, generator=GENERATOR)
    deltas[0, 2:] = 9  # more than a box may grow
    for means, stds in (((0.0,) * 4, (1.0,) * 4), ((0.1, 0.0, -0.2, 0.0), (0.1, 0.2, 0.3, 0.4))):
        coder = DeltaXYWHBBoxCoder(target_means=means, target_stds=stds)
        torch.testing.assert_close(
            decode(anchors, deltas, means, stds), coder.decode(anchors, deltas)
        )
    overlap = bbox_overlaps(anchors, others, is_aligned=True)
    torch.testing.assert_close(aligned_iou(anchors, others), overlap)
