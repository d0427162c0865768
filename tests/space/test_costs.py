"""Additive costs against what the networks really do."""

from __future__ import annotations

import pytest
import torch
from mmdet.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from mmbfbox.export import subnet_model
from mmbfbox.models import cost_table, set_arch, space_of, traced_macs
from mmbfbox.space import BackboneSpace, CostTable, FpnSpace, JointSpace
from mmbfbox.utils.without_storage import without_storage
from tests.fixtures_models import GROUPS, light_model

SIZES = ((224, 224), (200, 312), (97, 131))


def traced(run) -> int:
    """Multiply-adds of all convolutions that ``run`` carries out."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run()
    return counter.get_total_flops() // 2


def test_costs_equal_the_traced_convolutions_for_50_archs(any_supernet_config):
    """Every convolution is traced as it runs; the image size changes from arch to arch."""
    with without_storage():
        # Shapes only, which is all that is counted.
        supernet = MODELS.build(any_supernet_config.model).eval()
    space = space_of(supernet)
    tables = {size: cost_table(supernet, size) for size in SIZES}
    for index in range(50):
        arch = space.sample(7, index)
        set_arch(supernet, arch)
        size = SIZES[index % 3]
        backbone, detector = traced_macs(supernet, size)
        assert backbone == tables[size].backbone(arch.stages).macs
        assert detector == tables[size].detector(arch).macs


def check_costs_of(config, size):
    """The additive costs of an arch are those of the network that is built from it."""
    check_costs_of_model(config.model, size)


def check_costs_of_model(model_config, size):
    model = MODELS.build(model_config).eval()
    arch = space_of(model).sample(0, 0)
    subnet = MODELS.build(subnet_model(model_config, arch)).eval()
    cost = cost_table(model, size).detector(arch)
    assert cost.macs == traced(lambda: subnet._forward(torch.zeros(1, 3, *size)))
    assert cost.params == sum(parameter.numel() for parameter in subnet.parameters())


@pytest.mark.parametrize('attention', ['spatial', 'edge', None])
@pytest.mark.parametrize('receptive', ['rfe', 'smooth', 'ssh', None])
def test_costs_know_every_option(supernet_config, attention, receptive):
    supernet_config.model.neck.update(attention=attention, receptive=receptive)
    check_costs_of(supernet_config, (96, 160))


@pytest.mark.parametrize('size', SIZES)
def test_costs_of_a_light_space_are_those_of_the_exported_network(any_supernet_config, size):
    check_costs_of(any_supernet_config, size)


@pytest.mark.parametrize('norm', [None, GROUPS])
def test_costs_know_the_tower_of_mmdet(supernet_config, norm):
    head = supernet_config.model.bbox_head
    head.update(type='RetinaHead', stacked_convs=2, feat_channels=16, norm_cfg=norm)
    check_costs_of(supernet_config, (64, 64))


@pytest.mark.parametrize('stride', [4, 8])
@pytest.mark.parametrize('norm', [None, GROUPS, dict(type='BN')])
@pytest.mark.parametrize(
    'keys',
    [
        dict(),
        dict(shared=False),
        dict(share_branches=False, stacked_convs=3),
        dict(depthwise=True, share_branches=False, shared=False),
        dict(stacked_convs=0),
    ],
)
def test_costs_know_the_light_head_and_its_norms(stride, norm, keys):
    check_costs_of_model(light_model(stride, norm, **keys), (97, 131))


@pytest.mark.parametrize('receptive', ['rfe', 'smooth', 'ssh', None])
def test_costs_know_the_norms_of_the_neck(receptive):
    model = light_model(4)
    model.neck.receptive = receptive
    check_costs_of_model(model, (64, 96))


def test_backbone_costs_are_those_of_the_design():
    """The widths were chosen so that the paper's 2.9 G and 4.1 G are ordinary and near the top."""
    space = JointSpace(BackboneSpace(), FpnSpace())
    table = CostTable(space)

    def uniform(choice: str) -> float:
        return table.backbone(((choice,) * 4,) * 6).macs / 1e9

    assert uniform('conv3') == pytest.approx(1.674, abs=0.002)
    assert uniform('conv7') == pytest.approx(4.930, abs=0.002)
    assert uniform('dw7') == pytest.approx(1.730, abs=0.002)
    macs = sorted(table.backbone(space.sample(0, i).stages).macs / 1e9 for i in range(4000))
    assert 0.5 < sum(value < 2.9 for value in macs) / 4000 < 0.62
    assert 0.95 < sum(value < 4.1 for value in macs) / 4000 < 0.98


@pytest.mark.parametrize(
    'backbone',
    [
        BackboneSpace(depths=(1,) * 6),
        BackboneSpace(depths=(1, 3, 2, 1, 2, 4), deep_choices=('conv3', 'skip', 'basic3e50')),
    ],
)
def test_extremes_are_the_cheapest_and_the_most_expensive(backbone):
    space = JointSpace(backbone, FpnSpace())
    table = CostTable(space)
    cheapest, costliest = table.extremes()
    # Skipping is cheapest, wherever it is allowed.
    assert all(
        ('skip' in names) == (choice == 'skip')
        for choices, slots in zip(cheapest, backbone.slots)
        for choice, names in zip(choices, slots)
    )
    assert 'skip' not in {choice for stage in costliest for choice in stage}
    low, high = (table.backbone(stages).macs for stages in (cheapest, costliest))
    for index in range(300):
        assert low <= table.backbone(space.sample(0, index).stages).macs <= high
