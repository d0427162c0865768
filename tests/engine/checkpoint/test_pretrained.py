"""Pre-trained weights come from local files, complete or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine.registry import init_default_scope
from torch import nn

import mmbfbox.models  # noqa: F401, registers the models
from mmbfbox.engine import use_safe_loading
from mmbfbox.errors import UserError

SMALL = {
    'ResNet': dict(type='ResNet', depth=18, base_channels=4, stem_channels=4),
    'DenseNet': dict(type='DenseNet', growth=2, stem_channels=4, layers=[2, 1]),
    'InceptionV4': dict(type='InceptionV4', divisor=32),
    'FaceBackbone': dict(
        type='FaceBackbone', stages=[['conv3']], stem_channels=4, out_channels=[8]
    ),
}
Build = Callable[..., nn.Module]


@pytest.fixture
def build() -> Build:
    init_default_scope('mmdet')
    use_safe_loading()

    def run(name: str, file: Path | None = None) -> nn.Module:
        init = {} if file is None else dict(init_cfg=dict(type='Pretrained', checkpoint=str(file)))
        model = MODELS.build(dict(SMALL[name], **init))
        model.init_weights()
        return model

    return run


@pytest.mark.parametrize('name', SMALL)
def test_a_backbone_starts_from_the_weights_of_a_file(build: Build, name: str, tmp_path: Path):
    original = build(name)
    file = tmp_path / 'weights.pth'
    classifier = {'fc.weight': torch.zeros(1)}
    torch.save({**original.state_dict(), **classifier}, file)
    loaded = build(name, file).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in original.state_dict().items())


def test_the_backbone_of_a_detector_is_taken(build: Build, tmp_path: Path):
    original = build('ResNet')
    file = tmp_path / 'detector.pth'
    state = {f'backbone.{name}': value for name, value in original.state_dict().items()}
    torch.save(dict(state_dict={**state, 'bbox_head.weight': torch.zeros(1)}), file)
    assert torch.equal(build('ResNet', file).conv1.weight, original.conv1.weight)


def test_files_of_torchvision_with_old_names_fit(build: Build, tmp_path: Path):
    original = build('DenseNet')
    file = tmp_path / 'old.pth'
    state = {
        name.replace('norm1', 'norm.1').replace('conv2', 'conv.2') if 'denselayer' in name else name:
        value for name, value in original.state_dict().items()
    }  # fmt: skip
    assert any('norm.1' in name for name in state)
    torch.save(state, file)
    loaded = build('DenseNet', file).state_dict()
    assert all(torch.equal(loaded[key], value) for key, value in original.state_dict().items())


def test_what_does_not_fit_is_refused_in_one_sentence(build: Build, tmp_path: Path):
    file = tmp_path / 'weights.pth'
    with pytest.raises(UserError, match='does not exist'):
        build('ResNet', file)
    torch.save(build('ResNet').state_dict(), file)
    with pytest.raises(UserError, match='lacks .* weights of this DenseNet'):
        build('DenseNet', file)
    wider = MODELS.build(dict(SMALL['ResNet'], base_channels=8)).state_dict()
    torch.save(wider, file)
    with pytest.raises(UserError, match='other shapes than this ResNet') as caught:
        build('ResNet', file)
    assert '\n' not in str(caught.value)
    torch.save(dict(state_dict=nn.Linear(1, 1)), file)
    with pytest.raises(UserError, match='refused'):
        build('ResNet', file)
