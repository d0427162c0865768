"""ATSS on faces: mmdet's result, and ignored faces are left alone."""

from __future__ import annotations

import pytest
import torch
from mmdet.models.task_modules.assigners import ATSSAssigner
from mmdet.models.task_modules.prior_generators import AnchorGenerator
from mmengine.structures import InstanceData

from mmbfbox.datasets.wider_annotations import parse_wider_annotations
from mmbfbox.errors import UserError
from mmbfbox.models import FaceAssigner, FaceATSSAssigner
from tests.reading import counted_reads


class Grid:
    """The anchors of a canvas.

    Args:
        strides: of the levels.
        priors: anchors at each place.
    """

    def __init__(self, height: int, width: int, strides: tuple[int, ...], priors: int = 1) -> None:
        generator = AnchorGenerator(
            strides=list(strides),
            ratios=[1.0],
            scales=[4.0] if priors == 1 else [2.0, 4.0],
            center_offset=0.5,
        )
        self.sizes = [(-(-height // s), -(-width // s)) for s in strides]
        levels = generator.grid_priors(self.sizes, device='cpu')
        self.counts = [len(level) for level in levels]
        self.plain = InstanceData(priors=torch.cat(levels))
        self.priors = InstanceData(priors=torch.cat(levels), metainfo=dict(level_sizes=self.sizes))


def faces(boxes: torch.Tensor) -> InstanceData:
    return InstanceData(bboxes=boxes, labels=torch.zeros(len(boxes), dtype=torch.long))


def random_faces(number: int, height: int, width: int, seed: int) -> torch.Tensor:
    """Faces of 4 to 200 pixels whose centres lie in the image, many at its edges."""
    generator = torch.Generator().manual_seed(seed)
    centre, shape = (torch.rand(number, 2, generator=generator) for _ in range(2))
    centre = (centre * 1.2 - 0.1).clamp(1e-4, 1 - 1e-4) * torch.tensor([width, height])
    sides = 4 * 50 ** shape[:, :1] * torch.cat([torch.ones(number, 1), 0.7 + shape[:, 1:]], 1)
    return torch.cat([centre - sides / 2, centre + sides / 2], 1)


def check_equal(grid: Grid, boxes: torch.Tensor, topk: int) -> int:
    """Ours, with and without the sizes of the levels, is mmdet's; how many anchors are positive."""
    expected = ATSSAssigner(topk).assign(grid.priors, grid.counts, faces(boxes))
    for priors in (grid.priors, grid.plain):
        result = FaceATSSAssigner(topk).assign(priors, faces(boxes), num_level_priors=grid.counts)
        assert torch.equal(result.gt_inds, expected.gt_inds)
        assert torch.equal(result.labels, expected.labels)
    positive = result.gt_inds > 0
    assert torch.equal(result.max_overlaps[positive], expected.max_overlaps[positive])
    return int(positive.sum())


@pytest.mark.parametrize('canvas', [(64, 64), (192, 192), (97, 131), (20, 320), (300, 9)])
@pytest.mark.parametrize('strides', [(4, 8, 16, 32), (8, 16, 32)])
@pytest.mark.parametrize(('priors', 'topk'), [(1, 9), (1, 4), (2, 10), (2, 18)])
def test_equals_the_assigner_of_mmdet(canvas, strides, priors, topk):
    """With two anchors at a place ``topk`` is even: mmdet does not say which of them it takes."""
    grid = Grid(*canvas, strides, priors)
    total = sum(check_equal(grid, random_faces(12, *canvas, seed), topk) for seed in range(5))
    assert total > 20


def test_equals_the_assigner_of_mmdet_on_real_faces(shared_data):
    """Crowded images; moved by less than a pixel, so that no two anchors are equally far."""
    records = parse_wider_annotations(
        shared_data / 'wider_annotations' / 'wider_face_val_bbx_gt.txt'
    )
    grid = Grid(640, 640, (4, 8, 16, 32))
    generator = torch.Generator().manual_seed(0)
    for record in sorted(records, key=lambda record: -len(record.boxes))[3:5]:
        boxes = torch.as_tensor(record.boxes).float()
        boxes = (boxes - (boxes[:, :2] // 560 * 560).repeat(1, 2)).clamp(max=640)
        boxes = boxes[((boxes[:, 2:] - boxes[:, :2]) >= 2).all(1)]
        boxes += torch.rand(len(boxes), 4, generator=generator) * 0.9
        assert check_equal(grid, boxes, 9) > 300


def test_of_two_anchors_at_one_place_the_first_is_taken():
    grid = Grid(64, 64, (8,), priors=2)
    face = torch.tensor([[10.3, 10.2, 26.4, 26.3]])
    keys = dict(num_level_priors=grid.counts)
    one = FaceATSSAssigner(9).assign(grid.priors, faces(face), **keys)
    other = FaceATSSAssigner(9).assign(grid.plain, faces(face), **keys)
    assert torch.equal(one.gt_inds, other.gt_inds) and (one.gt_inds == 1).any()


def test_ignored_faces_silence_the_anchors_that_they_silence_with_the_face_assigner():
    grid = Grid(192, 192, (4, 8, 16, 32))
    ignored = InstanceData(bboxes=random_faces(9, 192, 192, 3))
    none = faces(torch.zeros(0, 4))
    keys = dict(num_level_priors=grid.counts)
    ours = FaceATSSAssigner().assign(grid.priors, none, ignored, **keys).gt_inds
    assert torch.equal(ours, FaceAssigner().assign(grid.priors, none, ignored).gt_inds)
    assert (ours == -1).any() and not (ours > 0).any()
    # A face beside them keeps its anchors.
    face = faces(random_faces(5, 192, 192, 4))
    alone = FaceATSSAssigner().assign(grid.priors, face, **keys).gt_inds
    beside = FaceATSSAssigner().assign(grid.priors, face, ignored, **keys).gt_inds
    assert torch.equal(alone > 0, beside > 0) and (beside == -1).any()


def test_nothing_is_read_from_the_device():
    grid = Grid(192, 192, (4, 8, 16, 32))
    boxes, ignored = faces(random_faces(9, 192, 192, 1)), InstanceData(bboxes=torch.ones(2, 4))
    with counted_reads() as reads:
        FaceATSSAssigner().assign(grid.priors, boxes, ignored, num_level_priors=grid.counts)
    assert not reads


def test_keys_out_of_range_are_refused():
    for keys in (dict(topk=0), dict(ignore_iou_thr=0.0)):
        with pytest.raises(UserError, match='topk is'):
            FaceATSSAssigner(**keys)
