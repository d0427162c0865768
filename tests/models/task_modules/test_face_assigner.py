"""Which anchors learn which face."""

from __future__ import annotations

import pytest
import torch
from mmdet.models.task_modules.assigners import MaxIoUAssigner
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmengine.structures import InstanceData

from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import UserError
from mmbfbox.models import FaceAssigner

ANCHORS = torch.cat(
    AnchorGenerator(
        strides=[4, 8, 16, 32, 64, 128],
        ratios=[1.0],
        octave_base_scale=4,
        scales_per_octave=1,
        center_offset=0.5,
    ).grid_priors([(640 >> shift, 640 >> shift) for shift in range(2, 8)], device='cpu')
)


def faces(boxes: torch.Tensor) -> InstanceData:
    return InstanceData(bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long))


def assign(boxes: torch.Tensor, ignored: torch.Tensor | None = None, **keys):
    ignore = None if ignored is None else InstanceData(bboxes=ignored)
    return FaceAssigner(**keys).assign(InstanceData(priors=ANCHORS), faces(boxes), ignore)


def test_equals_the_assigner_of_mmdet_on_real_faces(shared_data):
    """The most crowded images of WIDER FACE val, their coordinates wrapped into the canvas."""
    records = parse_wider_annotations(
        shared_data / 'wider_annotations' / 'wider_face_val_bbx_gt.txt'
    )
    crowded = sorted(records, key=lambda record: -len(record.boxes))[:4]
    reference = MaxIoUAssigner(0.35, 0.35, min_pos_iou=0, gt_max_assign_all=False)
    for record in crowded:
        boxes = torch.as_tensor(record.boxes).float()
        offset = (boxes[:, :2] // 560) * 560
        boxes = (boxes - offset.repeat(1, 2)).clamp(max=640)
        boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) >= 1).all(1)]
        expected = reference.assign(InstanceData(priors=ANCHORS), faces(boxes))
        result = assign(boxes)
        assert torch.equal(result.gt_inds, expected.gt_inds)
        assert torch.equal(result.labels, expected.labels)
        assert torch.equal(result.max_overlaps, expected.max_overlaps)


def test_every_face_gets_an_anchor_even_a_tiny_one():
    boxes = torch.tensor([[100.3, 100.3, 104.3, 105.3], [300.0, 300.0, 420.0, 440.0]])
    assert set(assign(boxes).gt_inds.unique().tolist()) == {0, 1, 2}
    assert 1 not in assign(boxes, min_pos_iou=0.2).gt_inds


def test_an_ignored_tiny_face_silences_the_finest_anchors_in_it_and_no_others():
    tiny = torch.tensor([[100.0, 100.0, 107.0, 107.0]])
    result = assign(torch.zeros(0, 4), tiny)
    silent = ANCHORS[result.gt_inds == -1]
    centres = (silent[:, :2] + silent[:, 2:]) / 2
    assert len(silent) and (silent[:, 2] - silent[:, 0] == 16).all()
    assert ((centres >= 98) & (centres <= 109)).all()
    # Without the margin of half a stride, a face between two centres could miss them all.
    assert (assign(torch.zeros(0, 4), tiny + 0.9, margin=0.0).gt_inds == -1).sum() < len(silent)


def test_an_ignored_large_face_silences_the_anchors_that_match_it():
    large = torch.tensor([[96.0, 96.0, 224.0, 224.0]])
    result = assign(torch.zeros(0, 4), large)
    widths = (ANCHORS[:, 2] - ANCHORS[:, 0])[result.gt_inds == -1]
    assert (widths == 128).any()


def test_ignored_faces_never_take_a_positive_away():
    box = torch.tensor([[100.0, 100.0, 116.0, 116.0]])
    alone, beside = assign(box), assign(box, torch.tensor([[98.0, 98.0, 112.0, 112.0]]))
    assert torch.equal(alone.gt_inds > 0, beside.gt_inds > 0)
    assert (beside.gt_inds == -1).any()


def test_no_faces_means_only_background():
    assert (assign(torch.zeros(0, 4)).gt_inds == 0).all()


def test_thresholds_out_of_range_are_refused():
    for keys in (dict(pos_iou_thr=1.5), dict(min_pos_iou=-0.1)):
        with pytest.raises(UserError):
            FaceAssigner(**keys)
