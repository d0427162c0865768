"""The forms that a GPU computes quicker give the values of those that the supernet is written in."""

from __future__ import annotations

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn
from torch.nn.functional import batch_norm

from mmbfbox.models import set_arch, space_of
from mmbfbox.search.scoring.fast import kernels
from mmbfbox.search.scoring.fast.fused import JoinedHead, QuarteredDepthwise, fuse
from mmbfbox.search.scoring.fast.kernels import normalise_
from mmbfbox.search.scoring.fast.norms import path_norms, replace_norms
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly


@pytest.mark.parametrize('size', [(16, 16), (15, 22), (3, 2)])
@pytest.mark.parametrize('stride', [1, 2])
def test_four_quarters_of_a_depthwise_9x9_are_the_whole(size, stride):
    torch.manual_seed(0)
    conv = nn.Conv2d(6, 6, 9, stride=stride, padding=4, groups=6, bias=False)
    assert QuarteredDepthwise.fits(conv)
    x = torch.randn(2, 6, *size)
    expected = conv(x)
    found = QuarteredDepthwise(conv)(x)
    assert found.shape == expected.shape and torch.allclose(found, expected, atol=1e-5)


def test_other_convolutions_are_left_alone():
    for conv in (
        nn.Conv2d(6, 6, 7, padding=3, groups=6, bias=False),
        nn.Conv2d(6, 6, 9, padding=4, bias=False),
        nn.Conv2d(6, 6, 9, padding=4, groups=6),
    ):
        assert not QuarteredDepthwise.fits(conv)


@pytest.mark.parametrize('residual', [False, True])
def test_norm_residual_and_relu_in_one_step(residual):
    torch.manual_seed(0)
    x, other = torch.randn(2, 2, 5, 4, 3)
    mean, var, weight, bias = torch.rand(4, 5) + 0.1
    expected = batch_norm(x, mean, var, weight, bias) + (other if residual else 0)
    arguments = (mean, var, weight, bias, 1e-5, other if residual else None)
    assert torch.allclose(normalise_(x.clone(), *arguments), expected, atol=1e-6)
    relu = normalise_(x.clone(), *arguments, relu=True)
    assert torch.allclose(relu, expected.relu(), atol=1e-6)


@pytest.mark.parametrize(
    ('installed', 'said'), [(True, 'RuntimeError: no compiler'), (False, 'it is not installed')]
)
def test_where_the_kernel_does_not_run_torch_takes_its_place_and_says_so(
    monkeypatch, installed, said
):
    def fail(*arguments):
        raise RuntimeError('no compiler\nand much more')

    monkeypatch.setattr(kernels, 'triton', object() if installed else None)
    monkeypatch.setattr(kernels, '_INTERPRETED', True)
    monkeypatch.setattr(kernels, '_launch', fail)
    kernels._runs_on.cache_clear()
    x = torch.randn(1, 4, 2, 2).to(memory_format=torch.channels_last)
    ones = torch.ones(4)
    try:
        with pytest.warns(UserWarning, match=f'{said}.; torch takes its place'):
            found = normalise_(x.clone(), ones, ones, ones, ones, 0.0, relu=True)
        assert torch.allclose(found, x.relu())
    finally:
        kernels._runs_on.cache_clear()


@pytest.fixture(scope='module')
def config():
    init_default_scope('mmdet')
    config = load_config('demo/bfbox_search_demo').model
    config.backbone.shallow_choices = [
        'conv3',
        'dw9',
        'dw3_5',
        'dense2x32',
        'shuffle3',
        'inception',
    ]
    return config


@pytest.mark.parametrize('recalibrating', [False, True])
def test_a_fused_network_gives_the_outputs_and_statistics_of_the_one_that_it_was(
    config, recalibrating
):
    torch.manual_seed(0)
    plain = build_quietly(lambda: MODELS.build(config)).eval()
    build_quietly(plain.init_weights)
    for norm in plain.backbone.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
            nn.init.uniform_(norm.running_mean, -0.5, 0.5)
    fused = build_quietly(lambda: MODELS.build(config)).eval()
    fused.load_state_dict(plain.state_dict())
    states = [replace_norms(model) for model in (plain, fused)]
    head = fuse(fused)
    assert isinstance(head, JoinedHead)
    images = torch.randn(2, 3, 64, 96).to(memory_format=torch.channels_last)
    space = space_of(plain)
    with torch.inference_mode():
        for index in range(6):
            outputs, pooled = [], []
            for model, state, last in zip((plain, fused), states, (plain.bbox_head, head)):
                set_arch(model, space.sample(0, index))
                norms = [
                    norm
                    for stage in model.backbone.stages
                    for slot in stage
                    for norm in path_norms(slot.choices[slot.active])
                ]
                if recalibrating:
                    with state.of(norms, 1):
                        model.backbone(images)
                scores, deltas = last(model.neck(model.backbone(images)))
                outputs.append([*scores, *deltas])
                pooled.append([statistic for norm in norms for statistic in norm.pooled])
            for one, other in zip(outputs[0] + pooled[0], outputs[1] + pooled[1], strict=True):
                # Rounding errors of a deep network are of the order of its greatest values.
                assert (one - other).abs().max() <= 1e-4 * one.abs().max()


@pytest.mark.skipif(
    not (torch.cuda.is_available() or kernels._INTERPRETED),
    reason='the kernel needs an NVIDIA GPU, or Triton and TRITON_INTERPRET=1',
)
@pytest.mark.parametrize('dtype', [torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize('channels', [5, 48, 256])
def test_the_kernel_agrees_with_torch(dtype, channels):
    device = torch.device('cuda', 0) if torch.cuda.is_available() else torch.device('cpu')
    assert kernels._runs_on(device)
    torch.manual_seed(0)
    x, residual = (torch.randn(2, 3, channels, 17, 9, device=device) + 0.5).to(dtype)
    mean, var, weight, bias = torch.rand(4, channels, device=device) + 0.1
    x, residual = (t.to(memory_format=torch.channels_last) for t in (x, residual))
    expected = batch_norm(x.float(), mean, var, weight, bias) + residual.float()
    mine = x.clone()
    found = normalise_(mine, mean, var, weight, bias, 1e-5, residual, relu=True)
    assert found is mine
    tolerance = 1e-5 if dtype == torch.float32 else 3e-2
    assert torch.allclose(found.float(), expected.relu(), rtol=tolerance, atol=tolerance)
    mine[0] = float('nan')
    assert normalise_(mine, mean, var, weight, bias, 1e-5, relu=True)[0].isnan().all()
