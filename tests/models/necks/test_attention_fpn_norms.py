"""Norms of the attention FPN."""

from __future__ import annotations

import pytest
import torch
from mmcv.cnn import ConvModule
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.models import AttentionFPN


@pytest.mark.parametrize('receptive', ['rfe', 'smooth', 'ssh', None])
def test_norms_of_the_pyramid_are_in_laterals_and_receptive_modules(receptive):
    keys = dict(in_channels=[4, 8], merges=['p2 = c2 + c3'], channels=16, receptive=receptive)
    plain = AttentionFPN(**keys)
    assert all(type(lateral) is nn.Conv2d for lateral in plain.laterals.values())
    neck = AttentionFPN(norm_cfg=dict(type='GN', num_groups=4), **keys)
    modules = [*neck.laterals.modules(), *neck.receptive.modules()]
    convs = [module for module in modules if isinstance(module, ConvModule)]
    assert convs and all(conv.with_norm and conv.conv.bias is None for conv in convs)
    inputs = [torch.randn(2, 4, 6, 8), torch.randn(2, 8, 3, 4)]
    assert [out.shape for out in neck(inputs)] == [out.shape for out in plain(inputs)]
    # With GroupNorm a level is not moved by the scale of what comes in.
    first, scaled = (neck([factor * x for x in inputs])[1] for factor in (1, 100))
    assert torch.allclose(first, scaled, atol=1e-2)


@pytest.mark.parametrize(
    ('receptive', 'groups', 'said'),
    [('smooth', 5, '5 groups.* the 16 channels'), ('rfe', 8, '8 groups.* the 4 channels')],
)
def test_groups_that_do_not_divide_the_channels_are_refused(receptive, groups, said):
    keys = dict(in_channels=[4, 8], merges=['p2 = c2 + c3'], channels=16)
    with pytest.raises(UserError, match=said):
        AttentionFPN(receptive=receptive, norm_cfg=dict(type='GN', num_groups=groups), **keys)
