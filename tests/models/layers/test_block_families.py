"""The blocks beyond figure 2: their wiring, their costs, and the spaces made of them."""

from __future__ import annotations

import pytest
import torch
from mmdet.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from mmbfbox.export import subnet_model, subnet_weights
from mmbfbox.models import set_arch, space_of
from mmbfbox.models.layers.blocks import build_block
from mmbfbox.space import BackboneSpace
from mmbfbox.space.blocks import make_block
from mmbfbox.utils.config import load_config

LIGHT = ('basic3', 'basic5e50', 'conv3e50', 'dw5e150', 'dw3_5e100')
BN = dict(type='BN', requires_grad=True)
NEW = ('shuffle3', 'shuffle7', 'xception', 'inception', 'line3', 'line7')
ROWS = ('conv11', 'dw3_7', 'dense2x16', 'dense3x32')
TABLE = 'paper/table5/bfbox_supernet_{}_wider_face'
SPACES = [TABLE.format(name) for name in ('fdb3', 'fdb4', 'fdb6', 'fdb8', 'icb4')]


@pytest.mark.parametrize('choice', NEW + ROWS + LIGHT)
@pytest.mark.parametrize(('width', 'stride'), [(16, 1), (8, 1), (8, 2), (16, 2)])
def test_shapes_and_costs_are_those_of_the_running_block(choice: str, width: int, stride: int):
    block = make_block(choice, width, 16, stride)
    module = build_block(block, BN).eval().to('meta')
    for size in ((8, 8), (7, 9)):
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            out = module(torch.zeros(1, width, *size, device='meta'))
        assert out.shape == (1, 16, -(-size[0] // stride), -(-size[1] // stride))
        assert counter.get_total_flops() // 2 == block.macs(*size)
    assert sum(weight.numel() for weight in module.parameters()) == block.params


def test_half_of_the_channels_pass_a_shuffle_block_untouched():
    module = build_block(make_block('shuffle3', 16, 16), BN).eval()
    x = torch.randn(1, 16, 5, 5)
    assert torch.equal(module(x)[:, :8], x[:, ::2])


def test_choice_blocks_are_those_of_spos():
    """1x1 - depthwise - 1x1 of half the width, and three separable convolutions."""
    shuffle = make_block('shuffle5', 16, 16).convs
    assert [conv.kernel[0] for conv in shuffle] == [1, 5, 1]
    assert [conv.groups for conv in shuffle] == [1, 8, 1]
    xception = make_block('xception', 16, 16).convs
    assert [conv.kernel[0] for conv in xception] == [3, 1] * 3
    assert [conv.groups for conv in xception] == [8, 1] * 3
    down = make_block('shuffle5', 16, 32, 2)
    assert [conv.groups for conv in down.beside[0]] == [16, 1]
    # No ReLU behind a depthwise convolution.
    assert [module.with_activation for module in build_block(down, BN).convs] == [True, False, True]


def test_an_inception_block_has_four_branches_of_a_quarter():
    block = make_block('inception', 16, 32, 2)
    chains = (block.convs, *block.beside)
    assert [chain[-1].out_channels for chain in chains] == [8] * 4
    assert [[conv.kernel[0] for conv in chain] for chain in chains] == [
        [1], [1], [1, 3], [1, 3, 3]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ('choice', 'kernels', 'inside', 'depthwise'),
    [
        ('basic3', [3, 3], 32, False),
        ('basic5e50', [5, 5], 16, False),
        ('conv3e50', [1, 3, 1], 16, False),
        ('conv3e25', [1, 3, 1], 8, False),
        ('dw5e150', [1, 5, 1], 48, True),
        ('dw3_5e100', [1, 3, 5, 1], 32, True),
    ],
)
def test_a_width_factor_is_the_width_of_the_inside(choice, kernels, inside, depthwise):
    convs = make_block(choice, 16, 32, 2).convs
    assert [conv.kernel[0] for conv in convs] == kernels
    assert {conv.out_channels for conv in convs[:-1]} == {inside}
    assert [conv.groups > 1 for conv in convs[1:-1]] == [depthwise] * len(convs[1:-1])
    assert convs[-1].out_channels == 32 and sorted(conv.stride for conv in convs)[-2:] == [1, 2]


def test_the_usual_width_may_be_written_out():
    for choice, usual in (('conv5', 25), ('dw3', 50), ('dw3_5', 50), ('basic3', 100)):
        assert make_block(f'{choice}e{usual}', 16, 32, 2) == make_block(choice, 16, 32, 2)


def test_a_skip_is_the_very_same_tensor_and_costs_nothing():
    block = make_block('skip', 16, 16)
    module = build_block(block, BN)
    x = torch.randn(1, 16, 5, 7)
    assert module(x) is x and not module.state_dict()
    assert (block.macs(5, 7), block.params) == (0, 0)


def families(choices: tuple[str, ...]) -> int:
    """How many kinds of blocks the choices are of; two kernels in one block are a kind of their own."""
    return len({choice.rstrip('0123456789x_') + '_' * ('_' in choice) for choice in choices})


@pytest.mark.parametrize(('name', 'kinds'), list(zip(SPACES, (3, 4, 6, 8))))
def test_fdb_k_has_k_kinds_of_blocks_in_the_shallow_stages(name: str, kinds: int):
    backbone = load_config(name).model.backbone
    space = BackboneSpace(**{key: value for key, value in backbone.items() if key != 'type'})
    assert families(space.shallow_choices) == kinds
    assert space.deep_choices == BackboneSpace.deep_choices
    assert space.depths == BackboneSpace.depths


@pytest.mark.parametrize('depth', [3, 6, 8])
def test_the_other_reading_of_fdb_k_has_k_slots_in_the_shallow_stages(depth: int):
    backbone = load_config(TABLE.format(f'fdb-depth{depth}')).model.backbone
    assert list(backbone.get('depths', BackboneSpace.depths)) == [depth, depth, 4, 4, 4, 4]


def test_icb_4_has_the_four_choices_of_spos_everywhere():
    backbone = load_config(TABLE.format('icb4')).model.backbone
    four = ['shuffle3', 'shuffle5', 'shuffle7', 'xception']
    assert list(backbone.shallow_choices) == list(backbone.deep_choices) == four


@pytest.mark.parametrize('name', [TABLE.format('fdb8'), TABLE.format('icb4')])
def test_the_exported_subnet_equals_the_supernet(supernet_config, name: str):
    """Every path of a narrow supernet with all kinds of blocks, max difference exactly 0."""
    model = supernet_config.model
    spaces = load_config(name).model.backbone
    model.backbone.update({key: spaces[key] for key in spaces if key.endswith('choices')})
    torch.manual_seed(0)
    supernet = MODELS.build(model)
    image = torch.randn(2, 3, 160, 96)
    for index in range(4):
        arch = space_of(supernet).sample(5, index)
        set_arch(supernet, arch)
        subnet = MODELS.build(subnet_model(model, arch))
        subnet.load_state_dict(subnet_weights(supernet.state_dict(), arch))
        for training in (False, True):
            supernet.train(training)
            subnet.train(training)
            with torch.no_grad():
                for ours, theirs in zip(supernet._forward(image), subnet._forward(image)):
                    assert all(torch.equal(a, b) for a, b in zip(ours, theirs))
