"""``frozen_stages`` and ``norm_eval`` of our backbones mean what they mean in mmdet's."""

from __future__ import annotations

import copy

import pytest
import torch
from mmdet.models import ResNet
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

from mmbfbox.errors import UserError
from mmbfbox.export import subnet_model
from mmbfbox.models import DenseNet, FaceBackbone, InceptionV4, SearchableFaceBackbone, space_of
from mmbfbox.search.scoring.recalibration import recalibrate
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly


def resnet(**keys):
    defaults = dict(norm_eval=False, base_channels=8, stem_channels=8)
    return ResNet(18, **{**defaults, **keys})


def fixed(**keys):
    return FaceBackbone([['conv3'], ['dw5', 'dense2x32'], ['conv5']], 8, [16, 16, 32], **keys)


def searchable(**keys):
    space = dict(stem_channels=8, out_channels=(16, 16, 32), depths=(1, 2, 1), shallow_stages=2)
    choices = dict(shallow_choices=('conv3', 'dense2x32'), deep_choices=('conv3', 'dw5'))
    return SearchableFaceBackbone(**space, **choices, **keys)


def densenet(**keys):
    return DenseNet(layers=(2, 1, 1), growth=4, stem_channels=8, **keys)


def inception(**keys):
    return InceptionV4(divisor=32, **keys)


# The beginnings of the names of stem and first stage.
BUILDS = {
    'mmdet': (resnet, ('conv1.', 'bn1.', 'layer1.')),
    'fixed': (fixed, ('stem.', 'stages.0.')),
    'searchable': (searchable, ('stem.', 'stages.0.')),
    'densenet': (densenet, ('features.conv0.', 'features.norm0.', 'features.denseblock1.',
                            'features.transition1.')),
    'inception': (inception, tuple(f'features.{part}.' for part in range(5))),
}  # fmt: skip


def step(backbone: nn.Module) -> dict[str, torch.Tensor]:
    """The state after one step of training, with everything that moves weights."""
    parameters = [p for p in backbone.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.1)
    backbone.train()
    torch.manual_seed(0)
    sum(out.square().mean() for out in backbone(torch.randn(2, 3, 64, 64))).backward()
    optimizer.step()
    return copy.deepcopy(backbone.state_dict())


@pytest.mark.parametrize('name', list(BUILDS))
def test_frozen_stages_keep_weights_and_statistics(name):
    build, first = BUILDS[name]
    backbone = build(frozen_stages=1)
    before = copy.deepcopy(backbone.state_dict())
    after = step(backbone)
    frozen = {key for key in before if key.startswith(first)}
    assert frozen and frozen != before.keys()
    for key in frozen:
        assert torch.equal(before[key], after[key]), key
    for key, parameter in backbone.named_parameters():
        assert parameter.requires_grad != key.startswith(first), key
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    trained = {k for k, p in backbone.named_parameters() if p.grad is not None}
    assert trained <= moved and not moved & frozen
    # Training after a validation, too.
    backbone.eval()
    assert all(torch.equal(step(backbone)[key], before[key]) for key in frozen)


@pytest.mark.parametrize('name', list(BUILDS))
def test_zero_freezes_the_stem_alone_and_minus_one_nothing(name):
    build, first = BUILDS[name]
    assert all(parameter.requires_grad for parameter in build(frozen_stages=-1).parameters())
    frozen = {k for k, p in build(frozen_stages=0).named_parameters() if not p.requires_grad}
    more = {k for k, p in build(frozen_stages=1).named_parameters() if not p.requires_grad}
    assert frozen and frozen < more and all(key.startswith(first) for key in frozen)


@pytest.mark.parametrize('name', list(BUILDS))
def test_norm_eval_keeps_statistics_and_trains_weights(name):
    backbone = BUILDS[name][0](norm_eval=True)
    before = copy.deepcopy(backbone.state_dict())
    after = step(backbone)
    for key in before:
        if 'running_' in key or 'num_batches' in key:
            assert torch.equal(before[key], after[key]), key
    assert all(p.requires_grad for p in backbone.parameters())
    assert any(not torch.equal(before[k], after[k]) for k, _ in backbone.named_parameters())


@pytest.mark.parametrize('name', [name for name in BUILDS if name != 'mmdet'])
@pytest.mark.parametrize('value', [-2, 9, 1.5, True, None])
def test_stages_that_are_not_there_are_refused(name, value):
    with pytest.raises(UserError, match='frozen_stages is'):
        BUILDS[name][0](frozen_stages=value)


def test_what_is_frozen_in_training_is_not_recalibrated():
    """A candidate is scored with the statistics that its weights were trained with."""
    images = [torch.randn(2, 3, 64, 64) for _ in range(2)]
    for keys, kept in ((dict(frozen_stages=1), ('stem.', 'stages.0.')), (dict(norm_eval=True), '')):
        backbone = fixed(**keys)
        before = copy.deepcopy(backbone.state_dict())
        recalibrate(backbone, images)
        changed = {k for k, v in backbone.state_dict().items() if not torch.equal(v, before[k])}
        assert not any(key.startswith(kept) for key in changed)
        assert bool(changed) == ('frozen_stages' in keys)


def test_an_option_of_a_config_freezes_supernet_and_subnet():
    init_default_scope('mmdet')
    options = {'model.backbone.frozen_stages': 1, 'model.backbone.norm_eval': True}
    config = load_config('demo/bfbox_supernet_demo', options)
    supernet = build_quietly(lambda: MODELS.build(config.model))
    arch = space_of(supernet).sample(0, 0)
    subnet = build_quietly(lambda: MODELS.build(subnet_model(config.model.to_dict(), arch)))
    for model in (supernet, subnet):
        model.train()
        assert model.backbone.frozen_stages == 1 and model.backbone.norm_eval
        assert not any(p.requires_grad for p in model.backbone.stages[0].parameters())
        assert all(p.requires_grad for p in model.backbone.stages[1].parameters())
