"""The exported network is the supernet's path, to the last bit."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from mmdet.registry import MODELS
from mmengine import Config

from mmbfbox.artifacts.checkpoint_meta import ExportMeta
from mmbfbox.engine import load_checkpoint_file, load_weights
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_model, subnet_weights, write_subnet
from mmbfbox.export.supernet import read_arch
from mmbfbox.models import set_arch, space_of
from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace, freeze
from tests.fixtures_models import GROUPS, light_model


@pytest.mark.parametrize('attention', ['spatial', 'edge', None])
def test_exported_subnet_equals_supernet(any_supernet_config, attention):
    """20 random archs, max difference exactly 0, in evaluation and in training mode."""
    supernet_config = any_supernet_config
    supernet_config.model.neck.attention = attention
    torch.manual_seed(0)
    supernet = MODELS.build(supernet_config.model)
    space = space_of(supernet)
    image = torch.randn(2, 3, 160, 96)
    for index in range(20 if attention == 'spatial' else 3):
        arch = space.sample(11, index)
        set_arch(supernet, arch)
        subnet = MODELS.build(subnet_model(supernet_config.model, arch))
        load_weights(subnet, subnet_weights(supernet.state_dict(), arch), 'supernet')
        for training in (False, True):
            supernet.train(training)
            subnet.train(training)
            with torch.no_grad():
                for ours, theirs in zip(supernet._forward(image), subnet._forward(image)):
                    assert all(torch.equal(a, b) for a, b in zip(ours, theirs))


@pytest.mark.parametrize('stride', [4, 8])
@pytest.mark.parametrize('norm', [None, GROUPS, dict(type='BN')])
def test_exported_light_subnet_equals_its_supernet(stride, norm):
    config = light_model(stride, norm)
    torch.manual_seed(0)
    supernet = MODELS.build(config)
    image = torch.randn(2, 3, 97, 131)
    for index in range(3):
        arch = space_of(supernet).sample(11, index)
        set_arch(supernet, arch)
        subnet = MODELS.build(subnet_model(config, arch))
        load_weights(subnet, subnet_weights(supernet.state_dict(), arch), 'supernet')
        for training in (False, True):
            supernet.train(training)
            subnet.train(training)
            with torch.no_grad():
                for ours, theirs in zip(supernet._forward(image), subnet._forward(image)):
                    assert all(torch.equal(a, b) for a, b in zip(ours, theirs))


def test_written_subnet_loads_without_any_searchable_class(supernet_config, supernet, tmp_path):
    space = space_of(supernet)
    arch = space.sample(0, 5)
    config = supernet_config
    weights = subnet_weights(supernet.state_dict(), arch)
    config.model = subnet_model(config.model, arch)
    config_path, weights_path = write_subnet(
        tmp_path / 'out', config, space.to_json(arch), weights, ExportMeta(weights='raw')
    )
    assert 'Searchable' not in config_path.read_text()
    script = (
        'import torch, sys; from mmengine import Config; import mmdet.models; '
        'from mmdet.registry import MODELS; from mmengine.registry import init_default_scope; '
        'import mmbfbox.models.backbones.bfbox as b, mmbfbox.models.necks.attention_fpn as f; '
        'import mmbfbox.models; '
        'init_default_scope("mmdet"); '
        'b.SearchableFaceBackbone.__init__ = f.SearchableAttentionFPN.__init__ = None; '
        f'model = MODELS.build(Config.fromfile({str(config_path)!r}).model); '
        f'model.load_state_dict(torch.load({str(weights_path)!r}, weights_only=True)["state_dict"])'
    )
    assert subprocess.run([sys.executable, '-c', script]).returncode == 0
    assert space.from_json((tmp_path / 'out' / 'arch.json').read_text()) == arch
    stored = load_checkpoint_file(weights_path)['state_dict']
    assert all(torch.equal(stored[name], weights[name]) for name in weights)


def test_config_without_a_supernet_cannot_be_exported(supernet):
    arch = space_of(supernet).sample(0, 0)
    with pytest.raises(UserError, match='ResNet'):
        subnet_model(Config(dict(backbone=dict(type='ResNet'))), arch)


def test_an_arch_that_is_no_text_is_one_sentence(tmp_path):
    space = JointSpace(BackboneSpace(), FpnSpace((2, 3, 4, 5, 6, 7), (2, 3)))
    path = tmp_path / '01.json'
    damaged = bytearray(space.to_json(space.sample(0, 0)).encode())
    damaged[len(damaged) // 2] |= 0x80
    path.write_bytes(damaged)
    with pytest.raises(UserError, match='no UTF-8'):
        read_arch(path, space)
    with pytest.raises(UserError, match='no UTF-8'):
        freeze(space, dict(backbone=str(path)))
