"""Necks of other papers against outputs computed by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from mmbfbox.errors import UserError
from mmbfbox.models import FEM, LFPN, FaceNASFPN, ReuseLevel


def ones(module: nn.Module, identity: bool = False) -> None:
    """Set all weights to one (or only those at the centre of the kernels) and all biases to zero."""
    for name, parameter in module.named_parameters():
        nn.init.constant_(parameter, 0.0 if identity or name.endswith('bias') else 1.0)
        if identity and name.endswith('weight'):
            centre = parameter.shape[-1] // 2
            parameter.data[..., centre, centre] = 1


def constant(value: float, size: int) -> Tensor:
    return torch.full((1, 1, size, size), float(value))


UP = torch.tensor([[1.0, 0.0], [0.75, 0.25], [0.25, 0.75], [0.0, 1.0]])
"""Bilinear up-sampling from 2 to 4."""


def test_lfpn_multiplies_as_published():
    neck = LFPN([1, 1, 1, 1], out_channels=1, fusion='product', merged=2)
    ones(neck)
    c3 = torch.tensor([[1.0, 2.0], [3.0, -4.0]])
    c2 = torch.arange(-4.0, 12.0).reshape(4, 4)
    p2, p3, p4, p5 = neck((c2[None, None], c3[None, None], constant(2, 1), constant(-7, 1)))
    assert torch.equal(p5, constant(-7, 1)) and torch.equal(p4, constant(2, 1))
    # relu(c3) * 2, then relu(c2) times that, enlarged.
    expected = torch.tensor([[2.0, 4.0], [6.0, 0.0]])
    assert torch.equal(p3[0, 0], expected)
    assert torch.allclose(p2[0, 0], c2.clamp(min=0) * (UP @ expected @ UP.T))


def test_lfpn_adds_as_the_first_author_does():
    neck = LFPN([1, 1, 1], out_channels=1, fusion='sum', merged=2)
    ones(neck, identity=True)
    neck.convs[0].weight.data.fill_(1)
    c3 = torch.tensor([[1.0, 2.0], [3.0, -4.0]])
    p2, p3, p4 = neck((constant(1, 4), c3[None, None], constant(-2, 1)))
    assert torch.equal(p4, constant(-2, 1))
    assert torch.equal(p3[0, 0], c3 - 2)
    summed = 1 + UP @ (c3 - 2) @ UP.T
    # The 3x3 convolution of p2 sums each pixel's neighbours.
    padded = nn.functional.pad(summed, (1, 1, 1, 1))
    smoothed = sum(padded[i : i + 4, j : j + 4] for i in range(3) for j in range(3))
    assert torch.allclose(p2[0, 0], smoothed)


def test_the_way_down_of_lfpn_starts_in_the_middle():
    neck = LFPN([4] * 6, out_channels=4)
    inputs = [torch.randn(1, 4, 32 >> level, 32 >> level) for level in range(6)]
    before = neck(inputs)
    inputs[4:] = [torch.randn_like(x) for x in inputs[4:]]
    after = neck(inputs)
    assert all(torch.equal(a, b) for a, b in zip(before[:4], after[:4]))
    assert not torch.equal(before[4], after[4])


def test_fem_sees_further_in_each_branch():
    """All weights are one and the input is a single one: each branch draws its field of view."""
    neck = FEM(channels=2, levels=1)
    ones(neck)
    x = torch.zeros(1, 2, 11, 11)
    x[0, 0, 5, 5] = 1
    (out,) = neck((x,))
    assert out.shape == (1, 4, 11, 11)
    profiles = [
        (1, [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]),  # dilation 1
        (1, [0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0]),
        (2, [0, 0, 1, 1, 2, 1, 2, 1, 1, 0, 0]),  # dilation 2, then 1
        (2, [1, 1, 3, 2, 5, 3, 5, 2, 3, 1, 1]),  # dilation 2, 2, then 1
    ]
    for channel, (scale, profile) in zip(out[0], profiles):
        line = torch.tensor(profile, dtype=torch.float)
        assert torch.equal(channel, scale * torch.outer(line, line))


def test_nas_fpn_computes_the_published_cells():
    """Constant maps and identity convolutions: the network becomes arithmetic on one number a level."""
    neck = FaceNASFPN([1] * 6, out_channels=1, repeats=1, norm_cfg=None)
    ones(neck, identity=True)
    v = [0.5, -1.5, 0.25, 2.0, 0.75, -3.0]
    outputs = neck([constant(value, 32 >> level) for level, value in enumerate(v)])

    def gate(value: float) -> float:
        return 1 / (1 + math.exp(-value))

    def relu(value: float) -> float:
        return max(value, 0.0)

    first = relu(v[3] + v[1] * gate(v[3]))
    second = relu(v[1] + first)
    p2 = relu(v[0] + second)
    p3 = relu(second + p2)
    p4 = relu(p3 + p2 * gate(p3) + v[2])
    p6 = relu(p4 + second * gate(p4) + v[4])
    p5 = relu(p6 + p4 * gate(p6))
    for level, (out, value) in enumerate(zip(outputs, [p2, p3, p4, p5, p6, v[5]])):
        assert torch.allclose(out, constant(value, 32 >> level)), level


def test_nas_fpn_pools_maxima_and_repeats_pixels():
    neck = FaceNASFPN([1] * 5, out_channels=1, repeats=1, norm_cfg=None)
    ones(neck, identity=True)
    inputs = [torch.zeros(1, 1, 16 >> level, 16 >> level) for level in range(5)]
    inputs[1][0, 0, 0, 0] = 4
    inputs[3] = torch.tensor([[[[1.0, 2.0], [3.0, 0.0]]]])
    p2 = neck(inputs)[0]
    # p2 = p3'' = 2 * p3 weighted + p5, each pixel of p5 repeated eight times in each direction.
    expected = inputs[3].repeat_interleave(8, 2).repeat_interleave(8, 3)
    expected[..., :2, :2] += 4 / (1 + math.exp(-3.0)) + 4
    assert torch.allclose(p2, expected)


@pytest.mark.parametrize('repeats', [1, 2])
def test_every_repeat_of_nas_fpn_has_its_own_weights(repeats):
    neck = FaceNASFPN([8] * 6, out_channels=4, repeats=repeats)
    cells = sum(parameter.numel() for parameter in neck.stacks.parameters())
    assert cells == repeats * 7 * (4 * 4 * 9 + 2 * 4)


def test_a_reused_level_is_the_resized_other_one():
    maps = tuple(torch.arange(float(side * side)).reshape(1, 1, side, side) for side in (4, 2, 1))
    down = ReuseLevel(source=2, target=3)(maps)
    assert down[1].flatten().tolist() == [5, 7, 13, 15]
    up = ReuseLevel(source=3, target=2)(maps)
    assert torch.allclose(up[0][0, 0], UP @ maps[1][0, 0] @ UP.T)
    assert down[0] is maps[0] and down[2] is maps[2] and up[1] is maps[1]
    with pytest.raises(UserError, match='levels 2 to 4'):
        ReuseLevel(source=5, target=2)(maps)


@pytest.mark.parametrize(
    'bad',
    [
        lambda: LFPN([4] * 6, fusion='mean'),
        lambda: LFPN([4] * 3, merged=3),
        lambda: FEM(channels=3),
        lambda: FaceNASFPN([4] * 4),
        lambda: ReuseLevel(source=1, target=2),
        lambda: FaceNASFPN([4] * 6, repeats=0),
    ],
)
def test_a_bad_key_is_refused_in_one_sentence(bad):
    with pytest.raises(UserError) as caught:
        bad()
    assert '\n' not in str(caught.value)
