"""Blocks, backbones, pyramids and the head."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine.structures import InstanceData
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.models import AttentionFPN, FaceBackbone, set_arch, space_of
from mmbfbox.models.layers.blocks import build_block
from mmbfbox.models.layers.receptive import build_receptive
from mmbfbox.models.necks.attention_fpn import SpatialAttention, resize
from mmbfbox.space import DEEP_CHOICES, SHALLOW_CHOICES
from mmbfbox.space.blocks import make_block

BN = dict(type='BN', requires_grad=True)


def test_there_are_12_shallow_and_8_deep_choices():
    assert len(set(SHALLOW_CHOICES)) == 12
    assert len(set(DEEP_CHOICES)) == 8
    assert set(DEEP_CHOICES) < set(SHALLOW_CHOICES)


@pytest.mark.parametrize('choice', SHALLOW_CHOICES)
@pytest.mark.parametrize('size', [(8, 8), (7, 9)])
def test_every_choice_gives_the_stated_shape(choice, size):
    for width, stride in ((16, 1), (8, 1), (8, 2)):
        module = build_block(make_block(choice, width, 16, stride), BN).eval()
        out = module(torch.randn(2, width, *size))
        assert out.shape == (2, 16, -(-size[0] // stride), -(-size[1] // stride))


def test_widths_of_the_blocks():
    """Bottlenecks a quarter, depthwise blocks half as wide as the stage; dense layers by growth."""
    assert [conv.out_channels for conv in make_block('conv5', 64, 256).convs] == [64, 64, 256]
    assert [conv.groups for conv in make_block('dw3_5', 64, 256).convs] == [1, 128, 128, 1]
    assert [conv.kernel[0] for conv in make_block('dw3_5', 64, 256).convs] == [1, 3, 5, 1]
    dense = make_block('dense3x16', 64, 256).convs
    assert [(conv.in_channels, conv.out_channels) for conv in dense] == [
        (64, 16), (80, 16), (96, 16), (112, 256)
    ]  # fmt: skip


def test_maps_have_strides_4_to_128_and_the_stated_channels():
    backbone = FaceBackbone([['conv3']] * 6, 8, [8, 8, 16, 16, 16, 8]).eval()
    shapes = [tuple(out.shape) for out in backbone(torch.zeros(1, 3, 256, 128))]
    assert [shape[1] for shape in shapes] == [8, 8, 16, 16, 16, 8]
    assert [256 // shape[2] for shape in shapes] == [4, 8, 16, 32, 64, 128]


def test_a_merge_is_the_lateral_plus_the_weighted_resized_source():
    fpn = AttentionFPN([4, 4], ['p2 = c2 + c3'], channels=4, receptive=None)
    inputs = torch.randn(1, 4, 6, 6), torch.randn(1, 4, 3, 3)
    c2, c3 = (lateral(x) for lateral, x in zip(fpn.laterals.values(), inputs))
    plain = nn.functional.conv2d(c2, fpn.attention['p2'].weight, padding=1)
    weight = plain.mean(1, keepdim=True).sigmoid()
    up = nn.functional.interpolate(c3, size=(6, 6), mode='bilinear', align_corners=False)
    outputs = fpn(inputs)
    assert torch.allclose(outputs[0], c2 + weight * up, atol=1e-6)
    assert torch.equal(outputs[1], c3)


def test_attention_has_the_gradients_of_convolution_then_mean():
    attention, x = SpatialAttention(8), torch.randn(2, 8, 5, 5)
    attention(x).square().sum().backward()
    collapsed = attention.weight.grad.clone()
    attention.weight.grad = None
    full = nn.functional.conv2d(x, attention.weight, padding=1).mean(1, keepdim=True).sigmoid()
    full.square().sum().backward()
    assert torch.allclose(collapsed, attention.weight.grad, atol=1e-5)


def test_without_attention_and_with_fresh_gates_a_merge_is_the_plain_sum():
    inputs = torch.randn(1, 4, 6, 6), torch.randn(1, 4, 3, 3)
    keys = dict(in_channels=[4, 4], merges=['p2 = c2 + c3'], channels=4, receptive=None)
    gated, plain = AttentionFPN(attention='edge', **keys), AttentionFPN(attention=None, **keys)
    plain.laterals.load_state_dict(gated.laterals.state_dict())
    assert torch.equal(gated(inputs)[0], plain(inputs)[0])


@pytest.mark.parametrize('size', [(16, 16), (15, 17), (9, 5)])
def test_resize_reaches_every_other_level_exactly(size):
    sizes = [size]
    for _ in range(5):
        sizes.append(tuple(-(-edge // 2) for edge in sizes[-1]))
    for own in sizes:
        for other in sizes:
            assert resize(torch.randn(1, 2, *own), other).shape[-2:] == other


def test_down_sampling_is_max_pooling():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert resize(x, (2, 2)).flatten().tolist() == [5, 7, 13, 15]


@pytest.mark.parametrize('kind', ['rfe', 'smooth', 'ssh', None])
def test_receptive_modules_keep_the_shape(kind):
    x = torch.randn(1, 8, 5, 6)
    assert build_receptive(kind, 8)(x).shape == x.shape


def test_head_has_its_own_convolutions_for_each_level(supernet):
    head = supernet.bbox_head
    assert len(head.retina_cls) == len(head.retina_reg) == 6
    assert head.stacked_convs == 0
    bias = torch.cat([conv.bias for conv in head.retina_cls])
    assert torch.allclose(bias.sigmoid(), torch.full_like(bias, 0.01))
    scores, deltas = head([torch.zeros(1, 16, 2, 2)] * 6)
    assert scores[0].shape == (1, 1, 2, 2) and deltas[0].shape == (1, 4, 2, 2)
    with pytest.raises(UserError, match='5 levels'):
        head([torch.zeros(1, 16, 2, 2)] * 5)


@pytest.mark.parametrize('head', ['PerLevelRetinaHead', 'RetinaHead'])
@pytest.mark.parametrize('attention', ['spatial', 'edge'])
def test_detector_trains_a_step_and_predicts(supernet_config, head, attention):
    cfg = supernet_config.model
    cfg.bbox_head.type = head
    cfg.neck.attention = attention
    model = MODELS.build(cfg)
    set_arch(model, space_of(model).sample(0, 3))
    size = (256, 256)
    sample = DetDataSample(
        metainfo=dict(img_shape=size, pad_shape=size, ori_shape=size, scale_factor=(1, 1))
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[20.0, 30.0, 60.0, 90.0]]), labels=torch.tensor([0])
    )
    sample.ignored_instances = InstanceData(bboxes=torch.tensor([[100.0, 100.0, 106.0, 106.0]]))
    images = torch.randn(1, 3, 256, 256)
    losses = model(images, [sample], mode='loss')
    total = sum(sum(value) for value in losses.values())
    total.backward()
    assert torch.isfinite(total)
    model.eval()
    result = model(images, [sample], mode='predict')[0].pred_instances
    assert result.bboxes.shape[1] == 4 and not np.isnan(result.scores.detach().numpy()).any()


def test_bad_keys_are_refused_in_one_sentence(supernet_config):
    neck = dict(in_channels=[4, 4], channels=4)
    for bad in (
        lambda: AttentionFPN(merges=['p2 = c2 + p3'], **neck),
        lambda: AttentionFPN(merges=['p9 = c9 + c2'], **neck),
        lambda: AttentionFPN(merges=['p2 = c2 + c3'], attention='loud', **neck),
        lambda: AttentionFPN(merges=['p2 = c2 + c3'], receptive='rfb', **neck),
        lambda: FaceBackbone([['conv3']], 8, [8, 8]),
        lambda: FaceBackbone([['conv4']], 8, [8]),
    ):
        with pytest.raises(UserError):
            bad()


def test_an_arch_of_another_space_cannot_be_made_active(supernet):
    arch = space_of(supernet).sample(0, 0)
    wrong = type(arch)(arch.stages[:-1], arch.merges)
    with pytest.raises(UserError, match='depths'):
        set_arch(supernet, wrong)


def test_with_zero_init_a_new_block_is_its_shortcut():
    def block(**keys):
        backbone = FaceBackbone([['conv3', 'dw5']], 8, [8], **keys)
        backbone.init_weights()
        return backbone.eval().stages[0][1]

    x = torch.rand(1, 8, 6, 6)
    assert torch.equal(block(zero_init_residual=True)(x), x)
    assert not torch.equal(block()(x), x)
