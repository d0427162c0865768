"""A tiny supernet with every choice."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.registry import init_default_scope
from torch import nn

GROUPS = dict(type='GN', num_groups=4)
CONFIGS = Path(__file__).resolve().parents[1] / 'configs'


def tiny(config: Config) -> Config:
    """The paper's model, with all six levels and all choices, so narrow that it builds at once."""
    model = config.model
    widths = [16, 16, 24, 24, 24, 16]
    model.backbone.update(stem_channels=8, out_channels=widths, depths=[2, 1, 1, 1, 2, 1])
    model.neck.update(in_channels=widths, channels=16)
    model.bbox_head.update(in_channels=16)
    return config


def skipping(config: Config) -> Config:
    """A narrow light space: its own stem, blocks and widths, slots that may be skipped, no p2."""
    config = tiny(config)
    model, widths = config.model, [16, 16, 24, 32]
    model.backbone.update(
        stem_channels=8,
        stem_kernel=3,
        stem_down='conv',
        out_channels=widths,
        depths=[2, 3, 2, 1],
        shallow_choices=['basic3', 'dw5e150', 'skip'],
        deep_choices=['skip', 'basic3e50', 'conv3e50', 'dw3_5e100', 'dw7'],
    )
    model.neck.update(in_channels=widths, start_level=1, targets=[3, 4])
    model.bbox_head.anchor_generator.strides = [8, 16, 32]
    return config


@pytest.fixture(params=[tiny, skipping], ids=['paper', 'light'])
def any_supernet_config(request: pytest.FixtureRequest) -> Config:
    """Config of a tiny supernet of either kind of space; a copy for each test."""
    init_default_scope('mmdet')
    import mmbfbox.models  # noqa: F401

    config: Config = request.param(Config.fromfile(CONFIGS / '_base_/models/bfbox_supernet.py'))
    return config


def light_model(stride: int = 8, norm: dict[str, Any] | None = GROUPS, **head: Any) -> Any:
    """Model config of a narrow supernet with a light head and a norm in neck and head.

    Args:
        stride: of the finest level, 8 (two anchors at a place) or 4 (one).
        norm: of neck and head; None for none.
        head: further keys of the head.
    """
    init_default_scope('mmdet')
    name = 'light_detector' if stride == 8 else 'light_detector_stride4'
    model = Config.fromfile(CONFIGS / f'_base_/models/{name}.py').model
    model.backbone = dict(
        type='SearchableFaceBackbone',
        stem_channels=8,
        out_channels=[8, 16, 16, 16],
        depths=[1, 2, 1, 1],
        shallow_stages=1,
        shallow_choices=['conv3', 'dense2x32'],
        deep_choices=['conv3', 'dw5'],
    )
    model.neck = dict(
        type='SearchableAttentionFPN',
        in_channels=[8, 16, 16, 16],
        targets=[3, 4],
        channels=16,
        start_level=stride // 8,
        receptive='smooth',
        norm_cfg=norm,
    )
    for key, value in dict(in_channels=16, feat_channels=24, norm_cfg=norm, **head).items():
        model.bbox_head[key] = value
    return model


@pytest.fixture
def supernet_config() -> Config:
    """Config of a tiny supernet; a copy for each test."""
    init_default_scope('mmdet')
    import mmbfbox.models  # noqa: F401

    return tiny(Config.fromfile(CONFIGS / '_base_/models/bfbox_supernet.py'))


@pytest.fixture
def supernet(supernet_config) -> nn.Module:
    """A tiny supernet with random weights and random batch-norm statistics."""
    torch.manual_seed(0)
    logging.disable(logging.INFO)
    model = MODELS.build(supernet_config.model)
    model.init_weights()
    logging.disable(logging.NOTSET)
    for name, buffer in model.named_buffers():
        if name.endswith('running_mean'):
            buffer.normal_(std=0.1)
        if name.endswith('running_var'):
            buffer.uniform_(0.5, 1.5)
    return model.eval()
