"""The channels-last layout is taken where torch computes in it, and left where torch crashes."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from mmbfbox.engine import ChannelsLastHook

STEP = """
import sys
from types import SimpleNamespace
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from mmbfbox.engine import ChannelsLastHook
from mmbfbox.utils.config import load_config

init_default_scope('mmdet')
config, channels, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
backbone = load_config(config).model.backbone
backbone.base_channels = channels
model = MODELS.build(backbone)
model.train()
ChannelsLastHook().before_run(SimpleNamespace(model=model))
for _ in range(1):
    images = torch.randn(4, 3, size, size).to(memory_format=torch.channels_last)
    sum(map_.square().mean() for map_ in model(images)).backward()
print('trained', sum(p.grad.abs().sum() for p in model.parameters() if p.requires_grad).isfinite().item())
"""


@pytest.mark.parametrize(('channels', 'size'), [(10, 320), (12, 384)])
def test_the_baseline_of_mini_trains_at_any_width_and_size(channels: int, size: int) -> None:
    """In a process of its own: a segmentation fault ends the process that computes."""
    command = [sys.executable, '-c', STEP, 'mini/retinanet_r18_fpn_wider_mini', channels, size]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.splitlines()[-1] == 'trained True'


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
