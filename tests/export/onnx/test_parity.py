"""An exported file says what the detector says: every space, backbone, neck and head, any size."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from mmdet.registry import MODELS
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.export.onnx import export_onnx, prepare
from mmbfbox.export.onnx.parity import compare, random_batches
from mmbfbox.export.onnx.sessions import onnx_run, openvino_run
from mmbfbox.models import set_arch, space_of
from tests.export.onnx.detectors import HEADS, base, build, drawn, small
from tests.models.test_zoo import BACKBONES, NECKS, SUPERNETS, config_of


def pair(backbone: str, neck: str) -> nn.Module:
    """A narrow detector of a backbone and a neck."""
    keys, widths = BACKBONES[backbone]
    model = base()
    extended = dict(
        type='ExtraLevels', in_channels=widths[-1], extra=[[8, 16], [8, 16]],
        backbone=dict(type=backbone, **keys),
    )  # fmt: skip
    model.update(backbone=extended, neck=NECKS[neck]([*widths, 16, 16]))
    model.bbox_head.in_channels = 32 if neck == 'FEM' else 16
    return build(model)


def narrow(model: Any) -> Any:
    """The model of a supernet's config with few channels, all choices and levels as they are."""
    model = copy.deepcopy(model)
    levels = len(model.neck.in_channels)
    widths = [16, 16, 24, 24, 24, 16][:levels]
    model.backbone.update(stem_channels=8, out_channels=widths)
    model.neck.update(in_channels=widths, channels=8)
    model.bbox_head.update(in_channels=8)
    return model


# Each backbone and each neck once; benchmarks/deploy/parity.py goes through all pairs at many sizes.
PAIRS = [
    *((backbone, 'BFBox') for backbone in BACKBONES),
    *(('FaceBackbone', neck) for neck in NECKS),
]


@pytest.mark.parametrize(('backbone', 'neck'), sorted({*PAIRS}))
def test_every_backbone_and_neck_exports_to_the_same_boxes(backbone: str, neck: str):
    exported = export_onnx(pair(backbone, neck))
    assert exported.parity.holds and exported.parity.images == 6
    onnx.checker.check_model(exported.model, full_check=True)


def test_openvino_gives_the_same_boxes_from_the_same_file():
    pytest.importorskip('openvino')
    detector = small('shared tower with group norm')
    exported = export_onnx(detector)
    batches = random_batches(32, seed=1)
    found = compare(detector, exported.prepared, openvino_run(exported.model), batches)
    assert found.holds, found


@pytest.mark.parametrize('name', SUPERNETS)
def test_a_random_arch_of_every_space_exports_to_the_same_boxes(name: str):
    """Twenty of each: benchmarks/deploy/parity.py."""
    exported = export_onnx(drawn(narrow(config_of(name).model), 0))
    assert exported.parity.holds


@pytest.mark.parametrize('attention', ['spatial', 'edge', None])
@pytest.mark.parametrize('receptive', ['rfe', 'smooth', 'ssh', None])
def test_every_attention_and_receptive_field_module_exports(
    attention: str | None, receptive: str | None
):
    keys, widths = BACKBONES['FaceBackbone']
    model = base()
    model.backbone = dict(type='FaceBackbone', **keys)
    model.neck = dict(
        type='AttentionFPN', in_channels=widths, channels=16, attention=attention,
        receptive=receptive, merges=['p4 = c4 + c2', 'p2 = c2 + p4', 'p3 = c3 + c5'],
    )  # fmt: skip
    model.bbox_head.update(in_channels=16)
    model.bbox_head.anchor_generator.strides = [4, 8, 16, 32]
    model.data_preprocessor.pad_size_divisor = 32
    assert export_onnx(build(model)).parity.holds


@pytest.mark.parametrize(
    ('backbone', 'neck'),
    [
        (dict(stem_kernel=3, stem_down='conv'), dict(start_level=1, merges=['p3 = c3 + c5'])),
        (
            dict(stages=[['conv3'], ['dw3', 'skip'], ['conv5'], ['dw5']]),
            dict(norm_cfg=dict(type='GN', num_groups=4), merges=['p2 = c2 + c4', 'p4 = c4 + p2']),
        ),
    ],
)
def test_stems_skipped_slots_and_norms_of_the_neck_export(
    backbone: dict[str, Any], neck: dict[str, Any]
):
    keys, widths = BACKBONES['FaceBackbone']
    model = base()
    model.backbone = dict(type='FaceBackbone', **{**keys, **backbone})
    model.neck = dict(type='AttentionFPN', in_channels=widths, channels=16, **neck)
    model.bbox_head.update(in_channels=16)
    first = neck.get('start_level', 0)
    model.bbox_head.anchor_generator.strides = [4, 8, 16, 32][first:]
    model.data_preprocessor.pad_size_divisor = 32
    assert export_onnx(build(model)).parity.holds


@pytest.mark.parametrize('head', HEADS)
def test_every_head_exports_to_the_same_boxes(head: str):
    exported = export_onnx(small(head))
    assert exported.parity.holds
    anchors = 2 if head.startswith('two') else 1
    shapes = onnx_run(exported.model)({'image': np.zeros((2, 3, 64, 96), np.float32)})
    assert shapes['score_4'].shape == (2, anchors, 16, 24)
    assert shapes['bbox_4'].shape == (2, 4 * anchors, 16, 24)


def test_the_active_path_of_a_supernet_exports_like_the_subnet(supernet):
    arch = space_of(supernet).sample(3, 1)
    set_arch(supernet, arch)
    assert export_onnx(supernet).parity.holds


@pytest.mark.parametrize(
    'preprocessor',
    [
        dict(bgr_to_rgb=False),
        dict(mean=[0.0, 0.0, 0.0], std=[1.0, 1.0, 1.0]),
        dict(mean=None, std=None),
    ],
)
def test_order_mean_and_deviation_of_the_channels_are_in_the_graph(preprocessor: dict[str, Any]):
    detector = small()
    detector.data_preprocessor = MODELS.build(
        {**base().data_preprocessor, 'pad_size_divisor': 32, **preprocessor}
    )
    if 'mean' in preprocessor:  # the network sees pixels themselves, as one trained on them would
        detector.backbone.stem.conv.weight.data /= 60
    exported = export_onnx(detector)
    assert exported.parity.holds
    expected = {'bgr_to_rgb': (123.675, 116.28, 103.53)}.get(next(iter(preprocessor)), (0.0,) * 3)
    assert exported.meta.mean == expected
    assert small_mean() == (103.53, 116.28, 123.675)


def small_mean() -> tuple[float, ...]:
    return export_onnx(small()).meta.mean


class _KeepsItsSize(nn.Module):
    """Adds a map of the size that it was traced with."""

    def forward(self, maps: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        first, *rest = maps
        grid = torch.linspace(0, 1, first.shape[-1]).reshape(1, 1, 1, -1)
        return [first + grid, *rest]


class _AsksForShapes(nn.Module):
    """Uses an operator whose graph asks for shapes."""

    def forward(self, maps: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        first, *rest = maps
        return [first + first.flatten(2).mean(2)[..., None, None], *rest]


class _OtherAnswer(nn.Module):
    """Says something else in each call."""

    calls = 0

    def forward(self, maps: tuple[torch.Tensor, ...]) -> list[torch.Tensor]:
        self.calls += 1
        return [level + self.calls for level in maps]


@pytest.mark.parametrize('module', [_KeepsItsSize, _OtherAnswer])
def test_a_file_that_does_not_agree_is_refused_in_one_sentence(module: type[nn.Module]):
    detector = small()
    detector.neck = nn.Sequential(detector.neck, module())
    with pytest.raises(UserError, match='does not agree with the detector') as caught:
        export_onnx(detector)
    assert '\n' not in str(caught.value)


def test_graphs_have_no_operator_that_depends_on_a_shape():
    detector = small()
    model = prepare(detector).model
    operators = {node.op_type for node in model.graph.node}
    assert not operators & {
        'Shape',
        'Size',
        'ConstantOfShape',
        'Loop',
        'If',
        'Identity',
        'Constant',
    }
    detector.neck = nn.Sequential(detector.neck, _AsksForShapes())
    with pytest.raises(UserError, match='depend on the size of the image'):
        prepare(detector)
