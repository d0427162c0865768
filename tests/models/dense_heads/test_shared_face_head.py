"""The light head: what its levels share, and its losses with every assigner and norm."""

from __future__ import annotations

import itertools

import pytest
import torch
from mmdet.models.dense_heads import RetinaHead
from mmdet.models.losses import DIoULoss, QualityFocalLoss
from mmdet.models.task_modules.assigners import ATSSAssigner
from mmdet.registry import MODELS
from mmdet.structures.bbox import bbox_overlaps

from mmbfbox.errors import UserError
from tests.fixtures_models import GROUPS, light_model
from tests.models.dense_heads.test_dense_targets import METAS, SIDE, boxes_of

FACES = [
    boxes_of([3.3, 4.2, 20.1, 25.4], [30.2, 29.9, 60.4, 62.7], [10.1, 10.2, 16.3, 18.4]),
    boxes_of([5.2, 5.1, 15.4, 19.3], [40.1, 2.2, 50.3, 14.4], [41.2, 3.1, 50.2, 14.1]),
    boxes_of(),
]
IGNORED = [boxes_of([50, 5, 55, 9]), boxes_of([0, 30, 30, 60]), boxes_of()]
NO_ANCHORS = dict(type='AnchorGenerator', scales=[1], ratios=0, strides=[8, 16, 32])
NORMS = {'none': None, 'groups': GROUPS, 'batch': dict(type='BN')}
BOX_LOSSES = {
    'smooth': dict(reg_decoded_bbox=False, loss_bbox=dict(type='SmoothL1Loss', beta=1 / 9)),
    'iou': dict(reg_decoded_bbox=True, loss_bbox=dict(type='DIoULoss', loss_weight=2.0)),
}
CLASS_LOSSES = {
    'focal': dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25),
    'quality': dict(type='QualityFocalLoss', use_sigmoid=True, beta=2.0),
}
ASSIGNERS = {
    'iou': dict(type='FaceAssigner'),
    'atss': dict(type='FaceATSSAssigner', margin=4.0),
    'mmdet': dict(type='ATSSAssigner', topk=9),
}


def build(stride=8, norm=GROUPS, assigner='atss', **keys):
    """A head; on canvases of 64 pixels."""
    torch.manual_seed(0)
    model = light_model(stride, norm, **keys)
    train_cfg = dict(model.train_cfg, assigner=ASSIGNERS[assigner])
    head = MODELS.build(dict(model.bbox_head, train_cfg=train_cfg, test_cfg=model.test_cfg))
    head.init_weights()
    return head.train()


def maps_of(head, images=3, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [
        torch.randn(images, head.in_channels, SIDE // s, SIDE // s, generator=generator)
        for s, _ in head.prior_generator.strides
    ]


def total_of(losses):
    return sum(value for values in losses.values() for value in values)


def test_levels_share_everything_but_the_scale_of_their_boxes():
    head = build()
    assert len(head.towers) == len(head.retina_cls) == len(head.retina_reg) == 1
    assert len(head.towers[0]) == head.stacked_convs == 2 and head.reg_towers is None
    maps = maps_of(head)
    maps[1] = maps[0]
    scores, deltas = head(maps)
    assert torch.equal(scores[0], scores[1]) and torch.equal(deltas[0], deltas[1])
    with torch.no_grad():
        head.scales[1].scale.fill_(3.0)
    scaled = head(maps)
    assert torch.equal(scaled[0][1], scores[1]) and torch.allclose(scaled[1][1], 3 * deltas[1])
    # Two anchors at a place; a new head says of every place that it is no face.
    assert scores[0].shape == (3, 2, 8, 8) and deltas[0].shape == (3, 8, 8, 8)
    assert torch.allclose(head.retina_cls[0].bias.sigmoid(), torch.tensor(0.01))


def test_levels_and_branches_have_their_own_convolutions_if_told_so():
    head = build(shared=False, share_branches=False)
    parts = (head.towers, head.reg_towers, head.retina_cls, head.retina_reg)
    assert [len(part) for part in parts] == [3, 3, 3, 3]
    maps = maps_of(head)
    maps[1] = maps[0]
    scores, _ = head(maps)
    assert not torch.equal(scores[0], scores[1])
    for conv in head.retina_cls:
        assert torch.allclose(conv.bias.sigmoid(), torch.tensor(0.01))
    one_each = build(share_branches=False)
    assert len(one_each.towers) == len(one_each.reg_towers) == 1


@pytest.mark.parametrize('depthwise', [False, True])
@pytest.mark.parametrize('norm', NORMS)
def test_towers_are_what_they_are_said_to_be(norm, depthwise):
    head = build(norm=NORMS[norm], depthwise=depthwise)
    convs = [(conv.conv.kernel_size, conv.conv.groups) for conv in head.towers[0]]
    separable = [((3, 3), 16), ((1, 1), 1), ((3, 3), 24), ((1, 1), 1)]
    assert convs == (separable if depthwise else [((3, 3), 1)] * 2)
    for conv in head.towers[0]:
        assert (conv.conv.bias is None) == conv.with_norm == (norm != 'none')
        assert conv.with_activation
    # What it sees comes through: at the start outputs of a tower are about as large as its input.
    assert 0.1 < head.towers[0](maps_of(head)[0]).std() < 10


def test_a_head_without_convolutions_has_its_outputs_only():
    head = build(stacked_convs=0, norm=None)
    assert head.retina_cls[0].in_channels == head.in_channels == 16
    assert len(head(maps_of(head))[0]) == 3


def gradients(head, faces, ignored, metas=METAS):
    """The losses; each parameter has a gradient afterwards, and everything is finite."""
    head.zero_grad()
    losses = head.loss_by_feat(*head(maps_of(head, len(faces))), faces, metas, ignored)
    total_of(losses).backward()
    for values in losses.values():
        assert all(value.isfinite() and value.dtype == torch.float32 for value in values)
    for name, parameter in head.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    return {name: float(sum(values).detach()) for name, values in losses.items()}


@pytest.mark.parametrize(
    ('assigner', 'class_loss', 'box_loss'),
    [*itertools.product(ASSIGNERS, CLASS_LOSSES, BOX_LOSSES)],
)
def test_every_assigner_goes_with_every_loss_also_where_there_is_nothing_to_learn(
    assigner, class_loss, box_loss
):
    keys = dict(loss_cls=CLASS_LOSSES[class_loss], **BOX_LOSSES[box_loss])
    head = build(assigner=assigner, **keys)
    losses = gradients(head, FACES, IGNORED)
    assert losses['loss_cls'] > 0 and losses['loss_bbox'] > 0
    empty = [boxes_of(), boxes_of()]
    for ignored in (None, [IGNORED[0], boxes_of()], [boxes_of([0, 0, 64, 64])] * 2):
        losses = gradients(head, empty, ignored, METAS[:2])
        assert losses['loss_cls'] > 0 and losses['loss_bbox'] == 0
    # A face so small that no centre of an anchor lies in it; and, of losses on boxes, one without a size.
    gradients(head, [boxes_of([17.0, 17, 18, 18])], None, METAS[:1])
    if box_loss == 'iou':
        gradients(head, [boxes_of([20.0, 20, 20, 30])], None, METAS[:1])


@pytest.mark.parametrize('norm', NORMS)
@pytest.mark.parametrize('keys', [dict(), dict(shared=False), dict(depthwise=True)])
def test_every_parameter_learns_with_every_norm(norm, keys):
    head = build(norm=NORMS[norm], **keys)
    gradients(head, FACES, IGNORED)
    # After a step the towers learn, too: at the start the outputs' weights are small.
    assert all(parameter.grad.abs().sum() > 0 for parameter in head.towers.parameters())


def test_a_head_learns_the_faces_of_one_batch():
    """Its sure boxes have all faces, and none are where there is no face."""
    head = build(stride=4)
    maps = maps_of(head)
    batch = [boxes_of([3.3, 4.2, 20.1, 25.4], [44.2, 5.1, 52.3, 14.2]), *FACES[1:]]
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        losses = head.loss_by_feat(*head(maps), batch, METAS, None)
        total_of(losses).backward()
        optimizer.step()
    metas = [dict(meta, scale_factor=(1.0, 1.0), ori_shape=(SIDE, SIDE)) for meta in METAS]
    with torch.no_grad():
        found = head.eval().predict_by_feat(*head(maps), batch_img_metas=metas)
    for faces, instances in zip(batch[:2], found):
        overlaps = bbox_overlaps(faces.bboxes, instances.bboxes[instances.scores > 0.3])
        assert overlaps.amax(1).min() > 0.5
    assert not (found[2].scores > 0.3).any()


def test_losses_are_those_of_gfl_in_plain_steps():
    """Quality focal loss and DIoU with mmdet's ATSS, the positives picked out, level by level."""
    head = build(stride=4)
    scores, deltas = head(maps_of(head))
    with torch.no_grad():
        scores = [score + 3 for score in scores]  # so that boxes have weights of more than 1 in all
    ours = head.loss_by_feat(scores, deltas, FACES, METAS, None)

    anchors = head.prior_generator.grid_priors([s.shape[-2:] for s in scores], device='cpu')
    counts = [len(level) for level in anchors]
    priors = type(FACES[0])(priors=torch.cat(anchors))
    assigned = torch.stack(
        [ATSSAssigner(9).assign(priors, counts, gt_instances=faces).gt_inds for faces in FACES]
    )
    number = (assigned > 0).sum(1).clamp(min=1).sum()
    class_losses, box_sums, weight_sum = [], [], 0
    quality_focal, diou = QualityFocalLoss(), DIoULoss(loss_weight=2.0)
    for score, delta, own, found in zip(
        scores, deltas, anchors, assigned.split(counts, 1), strict=True
    ):
        image, place = (found > 0).nonzero(as_tuple=True)
        goals = (
            torch.stack([FACES[i].bboxes[found[i, p] - 1] for i, p in zip(image, place)])
            if len(image)
            else torch.zeros(0, 4)
        )
        moves = delta.permute(0, 2, 3, 1).reshape(3, -1, 4)[image, place]
        boxes = head.bbox_coder.decode(own[place], moves)
        flat = score.permute(0, 2, 3, 1).reshape(3, -1)
        quality = torch.zeros_like(flat)
        quality[image, place] = bbox_overlaps(boxes.detach(), goals, is_aligned=True)
        labels = torch.ones_like(flat, dtype=torch.long)
        labels[image, place] = 0
        target = labels.flatten(), quality.flatten()
        class_losses.append(
            quality_focal(flat.reshape(-1, 1), target, torch.ones(flat.numel()), avg_factor=number)
        )
        weights = flat.detach().sigmoid()[image, place]
        box_sums.append(diou(boxes, goals, weights, avg_factor=1.0))
        weight_sum += weights.sum()
    assert weight_sum > 1
    for value, expected in zip(ours['loss_cls'], class_losses, strict=True):
        assert torch.allclose(value, expected, rtol=1e-4)
    for value, expected in zip(ours['loss_bbox'], box_sums, strict=True):
        assert torch.allclose(value, expected / weight_sum, rtol=1e-4, atol=1e-6)


def test_boxes_without_quality_focal_loss_weigh_the_same_as_in_mmdet():
    keys = dict(loss_cls=CLASS_LOSSES['focal'], **BOX_LOSSES['iou'])
    head = build(assigner='iou', **keys)
    maps = maps_of(head)
    ours = head.loss_by_feat(*head(maps), FACES, METAS, IGNORED)
    theirs = RetinaHead.loss_by_feat(head, *head(maps), FACES, METAS, IGNORED)
    for name in ours:
        for value, expected in zip(ours[name], theirs[name], strict=True):
            assert torch.allclose(value, expected, rtol=1e-4, atol=1e-6)


def test_an_image_that_does_not_fill_the_canvas_learns_as_on_its_own():
    head = build(stride=4)
    faces, ignored = [boxes_of([3.1, 4.2, 19.3, 22.4])], [boxes_of([24, 24, 30, 31])]
    metas = [dict(img_shape=(32, 30), pad_shape=(32, 32))]
    outputs = head(maps_of(head, 1))
    part = [
        [level[..., : level.shape[2] // 2, : level.shape[3] // 2] for level in levels]
        for levels in outputs
    ]
    larger = head.loss_by_feat(*outputs, faces, metas, ignored)
    own = head.loss_by_feat(*part, faces, metas, ignored)
    for name in own:
        assert total_of(own)
        for value, expected in zip(larger[name], own[name], strict=True):
            assert torch.allclose(value, expected, rtol=1e-5)


@pytest.mark.parametrize(
    ('keys', 'said'),
    [
        (dict(norm=dict(type='GN', num_groups=5)), '5 groups, which cannot divide the 24 channels'),
        (dict(norm=dict(type='GN')), 'GroupNorm of None groups'),
        (dict(stacked_convs=-1), 'stacked_convs=-1'),
        (dict(reg_decoded_bbox=False), 'DIoULoss of the head compares boxes'),
        (dict(bbox_coder=dict(type='TBLRBBoxCoder')), 'go with PseudoSampler'),
        (dict(anchor_generator=NO_ANCHORS), '0 anchors at each place'),
    ],
)
def test_keys_that_do_not_go_together_are_refused_in_one_sentence(keys, said):
    with pytest.raises(UserError, match=said):
        build(**keys)


def test_a_neck_of_other_levels_is_refused():
    head = build()
    with pytest.raises(UserError, match='2 levels, but the anchor generator has 3'):
        head(maps_of(head)[:2])
