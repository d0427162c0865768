"""The channels-last layout is taken where torch computes in it, and left where torch crashes."""

from __future__ import annotations

import multiprocessing
import sys
from types import SimpleNamespace

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from mmbfbox.engine import ChannelsLastHook
from mmbfbox.utils.config import load_config

BASELINE = 'mini/retinanet_r18_fpn_wider_mini'
FORK = multiprocessing.get_context('fork')


def step(channels: int, size: int) -> None:
    """A step of the baseline's backbone; the process ends with 0 if all gradients are finite."""
    init_default_scope('mmdet')
    backbone = load_config(BASELINE).model.backbone
    backbone.base_channels = channels
    model = MODELS.build(backbone)
    model.train()
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    images = torch.randn(4, 3, size, size).to(memory_format=torch.channels_last)
    sum(map_.square().mean() for map_ in model(images)).backward()
    gradients = [p.grad for p in model.parameters() if p.requires_grad]
    sys.exit(0 if all(gradient.isfinite().all() for gradient in gradients) else 1)


@pytest.mark.parametrize(('channels', 'size'), [(10, 320), (12, 384)])
def test_the_baseline_of_mini_trains_at_any_width_and_size(channels: int, size: int) -> None:
    """In a process of its own: a segmentation fault ends the process that computes."""
    process = FORK.Process(target=step, args=(channels, size))
    process.start()
    process.join(300)
    assert process.exitcode == 0


def layers() -> nn.Sequential:
    """A wide convolution, and a narrow one with a stride."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 20, 1, stride=2), nn.Conv2d(20, 20, 3))


def test_the_layout_changes_no_output_and_no_gradient() -> None:
    plain, laid_out = layers(), layers()
    ChannelsLastHook().before_run(SimpleNamespace(model=laid_out))
    images = torch.randn(2, 3, 20, 20)
    outputs = [model(images) for model in (plain, laid_out)]
    for output in outputs:
        output.square().sum().backward()
    torch.testing.assert_close(*outputs)
    for one, other in zip(plain.parameters(), laid_out.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-4)


def test_only_what_would_crash_is_left_out() -> None:
    model = layers()
    ChannelsLastHook().before_run(SimpleNamespace(model=model))
    seen = []
    for layer in model:
        layer.register_forward_hook(
            lambda _, inputs, output: seen.append(
                output.is_contiguous(memory_format=torch.channels_last)
            )
        )
    model(torch.randn(2, 3, 20, 20))
    assert seen == [True, False, True]
