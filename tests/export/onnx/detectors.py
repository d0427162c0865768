"""Small detectors of every kind, with weights and statistics that let something through."""

from __future__ import annotations

import logging
from typing import Any

import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from torch import nn

from mmbfbox.export import subnet_model
from mmbfbox.models import space_of
from mmbfbox.utils.without_storage import without_storage
from tests.fixtures_models import CONFIGS

HEADS: dict[str, dict[str, Any]] = {
    'per level': dict(),
    'two anchors': dict(anchor_generator=dict(scales_per_octave=2)),
    'two shapes': dict(anchor_generator=dict(ratios=[0.8, 1.5])),
    'scaled deltas': dict(
        bbox_coder=dict(target_means=[0.1, -0.1, 0.0, 0.05], target_stds=[0.1, 0.1, 0.2, 0.2])
    ),
    'shared tower': dict(type='RetinaHead', stacked_convs=2, feat_channels=8),
    'shared tower with group norm': dict(
        type='RetinaHead', stacked_convs=1, feat_channels=8,
        norm_cfg=dict(type='GN', num_groups=4, requires_grad=True),
    ),
    'light': dict(
        type='SharedFaceHead', feat_channels=8, norm_cfg=dict(type='GN', num_groups=4)
    ),
    'light, separable, a tower each': dict(
        type='SharedFaceHead', feat_channels=8, norm_cfg=dict(type='GN', num_groups=2),
        depthwise=True, share_branches=False,
    ),
    'ATSS': dict(
        type='ATSSHead', stacked_convs=1, feat_channels=8,
        norm_cfg=dict(type='GN', num_groups=4, requires_grad=True),
        loss_centerness=dict(type='CrossEntropyLoss', use_sigmoid=True, loss_weight=1.0),
    ),
}  # fmt: skip


def build(model: Any, seed: int = 0) -> nn.Module:
    """A detector with random weights and statistics, and boxes of all sizes."""
    init_default_scope('mmdet')
    torch.manual_seed(seed)
    disabled = logging.root.manager.disable
    logging.disable(logging.INFO)
    detector = MODELS.build(model)
    detector.init_weights()
    logging.disable(disabled)
    for name, values in (*detector.named_buffers(), *detector.named_parameters()):
        if name.endswith('running_mean'):
            values.normal_(std=0.1)
        if name.endswith('running_var'):
            values.uniform_(0.5, 1.5)
        if name.startswith('bbox_head') and values.dim() == 4:
            values.data.normal_(std=0.05)
        if name.startswith('bbox_head') and name.endswith('.scale'):
            values.data.uniform_(0.5, 1.5)
        if 'attention' in name and name.endswith('logit'):
            values.data.normal_()
    return _calmed(detector.eval())


@torch.no_grad()
def _calmed(detector: Any) -> nn.Module:
    """With logits and deltas as those of a trained head: float32 has no last bits for thousands."""
    image = torch.randn(1, 3, 128, 128)
    outputs = detector.bbox_head(detector.extract_feat(image))
    for most, levels, kind in zip((1, 0.5, 1), outputs, ('cls', 'reg', 'centerness'), strict=False):
        factor = most / max(float(level.abs().max()) for level in levels)
        for name, values in detector.bbox_head.named_parameters():
            if name.startswith((f'retina_{kind}', f'atss_{kind}')):
                values.mul_(factor)
    return detector


def base() -> Any:
    """Preprocessor, head and test settings of every detector of the project."""
    return Config.fromfile(CONFIGS / '_base_/models/face_detector.py').model


def small(head: str = 'per level', strides: tuple[int, ...] = (4, 8, 16, 32)) -> nn.Module:
    """A narrow detector with a given head and given strides."""
    model = base()
    levels = len(strides)
    first = strides[0] // 4
    skipped = first.bit_length() - 1
    widths = [8, 12, 16, 16][: skipped + levels]
    model.backbone = dict(
        type='FaceBackbone', stem_channels=8, out_channels=widths,
        stages=[['conv3'], ['dw3_5'], ['dense2x32'], *[['dw3']] * 4][: len(widths)],
    )  # fmt: skip
    model.neck = [
        dict(
            type='AttentionFPN', in_channels=widths, channels=8,
            merges=['p3 = c3 + c5', 'p4 = c4 + p3'] if len(widths) > 3 else ['p3 = c3 + c4'],
        )
    ]  # fmt: skip
    if first > 1:
        model.neck = [
            dict(type='FPN', in_channels=widths, out_channels=8, num_outs=levels,
                 start_level=skipped, add_extra_convs='on_output')
        ]  # fmt: skip
    model.bbox_head.merge(dict(in_channels=8))
    model.bbox_head.anchor_generator.strides = list(strides)
    model.bbox_head.merge(HEADS[head])
    model.data_preprocessor.pad_size_divisor = strides[-1]
    return build(model)


def drawn(supernet: Any, index: int) -> nn.Module:
    """The detector of an arch of a supernet's space, from the model of its config."""
    with without_storage():
        init_default_scope('mmdet')
        space = space_of(MODELS.build(supernet))
    return build(subnet_model(supernet, space.sample(7, index)), index)
