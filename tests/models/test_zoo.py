"""Every config builds, every backbone and neck work together, and their sizes are the published ones."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import pytest
import torch
from mmdet.registry import MODELS
from mmdet.structures import DetDataSample
from mmengine import Config
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import mmbfbox.models
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_config
from mmbfbox.models import DenseNet, ExtraLevels, InceptionV4, space_of
from mmbfbox.utils.config import find_config, load_config
from mmbfbox.utils.without_storage import without_storage
from tests.fixtures_models import CONFIGS
from tests.running_tools import failure

NAMES = sorted(
    file.relative_to(CONFIGS).with_suffix('').as_posix()
    for file in CONFIGS.rglob('*.py')
    if '_base_' not in file.parts
)
# How an exported architecture is trained, without a model.
SUBNETS = [name for name in NAMES if '/bfbox_subnet_' in name]
SUPERNETS = [name for name in NAMES if '/bfbox_supernet_' in name]
BATCH_NORM = dict(type='BN', requires_grad=True)
BACKBONES: dict[str, tuple[dict[str, Any], list[int]]] = {
    'ResNet': (dict(depth=50, base_channels=4, stem_channels=8), [16, 32, 64, 128]),
    'DenseNet': (dict(growth=4, stem_channels=8, layers=[2, 2, 2, 2]), [16, 16, 16, 16]),
    'InceptionV4': (dict(divisor=16), [12, 24, 64, 96]),
    'FaceBackbone': (
        dict(stages=[['dense2x32'], ['dw3_5'], ['conv3'], ['dw3']], stem_channels=8,
             out_channels=[16, 16, 24, 24]), [16, 16, 24, 24]
    ),
}  # fmt: skip
NECKS: dict[str, Any] = {
    'FPN': lambda widths: dict(type='FPN', in_channels=widths, out_channels=16, num_outs=6),
    'LFPN': lambda widths: dict(type='LFPN', in_channels=widths, out_channels=16),
    'LFPN (sum)': lambda widths: dict(
        type='LFPN', in_channels=widths, out_channels=16, fusion='sum'
    ),
    'FEM': lambda widths: [
        dict(type='LFPN', in_channels=widths, out_channels=16), dict(type='FEM', channels=16)
    ],
    'NAS-FPN': lambda widths: dict(
        type='FaceNASFPN', in_channels=widths, out_channels=16, repeats=1
    ),
    'BFBox': lambda widths: dict(
        type='AttentionFPN', in_channels=widths, channels=16,
        merges=['p4 = c4 + c7', 'p6 = c6 + c3', 'p2 = c2 + p4', 'p5 = c5 + p2', 'p3 = c3 + p6'],
    ),
}  # fmt: skip


@pytest.fixture(scope='module', autouse=True)
def registered() -> None:
    init_default_scope('mmdet')


@functools.cache
def config_of(name: str) -> Config:
    return load_config(name)


@functools.cache
def built(model: str) -> nn.Module:
    """A model without any numbers (torch's meta device); equal configs share one."""
    with without_storage():
        detector = MODELS.build(Config.fromstring(model, '.py').model)
    detector.eval()
    return detector


def meta_macs(backbone: nn.Module, size: int) -> int:
    """Multiply-adds of all convolutions."""
    backbone.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        backbone(torch.zeros(1, 3, size, size, device='meta'))
    return counter.get_total_flops() // 2


@pytest.mark.parametrize('name', sorted({*NAMES} - {*SUBNETS}))
def test_every_config_builds_its_model_with_the_stated_strides_and_channels(name: str):
    model = config_of(name).model
    detector = built(Config(dict(model=model)).pretty_text)
    divisor = model.data_preprocessor.pad_size_divisor
    size = 256
    assert size % divisor == 0
    with torch.no_grad():
        outputs = detector.neck(detector.backbone(torch.zeros(1, 3, size, size, device='meta')))
    strides = model.bbox_head.anchor_generator.strides
    assert [size // out.shape[-1] for out in outputs] == list(strides)
    assert {out.shape[1] for out in outputs} == {model.bbox_head.in_channels}
    if name.startswith('paper/'):
        assert list(strides) == [4, 8, 16, 32, 64, 128]


@pytest.mark.parametrize('name', SUPERNETS)
def test_every_supernet_names_settings_that_train_its_subnets(name: str):
    config = config_of(name)
    assert (
        find_config(config.final_config).relative_to(CONFIGS).with_suffix('').as_posix() in SUBNETS
    )
    supernet = built(Config(dict(model=config.model)).pretty_text)
    arch = space_of(supernet).sample(0, 0)
    exported = subnet_config(config.final_config, config.model, arch)
    assert exported.model.backbone.type == 'FaceBackbone'
    built(Config(dict(model=exported.model)).pretty_text)
    assert exported.train_dataloader.dataset.part is None and exported.val_evaluator
    roles = ('model_wrapper_cfg', 'supernet_check', 'final_config')
    assert not {*roles} & {*exported}
    assert 'PathSamplingHook' not in {hook['type'] for hook in exported.custom_hooks}


@pytest.mark.parametrize('name', SUPERNETS[:2])
def test_a_supernet_that_was_trained_before_the_configs_moved_still_exports(name: str):
    """Its checkpoint names a final config by the name that this had then."""
    model = config_of(name).model
    arch = space_of(built(Config(dict(model=model)).pretty_text)).sample(0, 1)
    with pytest.warns(FutureWarning, match='demo/bfbox_subnet_demo now'):
        before = subnet_config('demo/final.py', model, arch)
    assert before.to_dict() == subnet_config('demo/bfbox_subnet_demo', model, arch).to_dict()


@pytest.mark.parametrize('name', SUBNETS)
def test_a_subnets_settings_train_and_test_nothing_by_themselves(name: str, capsys, tmp_path):
    assert 'model' not in config_of(name)
    weights = tmp_path / 'weights.pth'
    for command in (['train', name], ['test', name, weights]):
        said = failure(capsys, *command, '--work-dir', tmp_path / 'run')
        assert f'the config {name} has no model' in said and 'export_subnet.py' in said
        assert not (tmp_path / 'run').exists()


def test_only_supernets_and_their_searches_hold_searchable_parts():
    for name in NAMES:
        if not name.split('/')[-1].startswith(('bfbox_supernet', 'bfbox_search')):
            assert 'Searchable' not in config_of(name).pretty_text


def detector(backbone: str, neck: str) -> nn.Module:
    """A narrow detector of a given pair."""
    keys, widths = BACKBONES[backbone]
    extended = dict(
        type='ExtraLevels', in_channels=widths[-1], extra=[[8, 16], [8, 16]],
        backbone=dict(type=backbone, **keys),
    )  # fmt: skip
    model = Config.fromfile(CONFIGS / '_base_/models/face_detector.py').model
    model.update(backbone=extended, neck=NECKS[neck]([*widths, 16, 16]))
    model.bbox_head.in_channels = 32 if neck == 'FEM' else 16
    return MODELS.build(model)


@pytest.mark.parametrize(('backbone', 'neck'), list(itertools.product(BACKBONES, NECKS)))
def test_every_pair_of_backbone_and_neck_trains_a_step_and_predicts(backbone: str, neck: str):
    torch.manual_seed(0)
    model = detector(backbone, neck)
    model.train()
    size = (256, 256)
    sample = DetDataSample(
        metainfo=dict(img_shape=size, pad_shape=size, ori_shape=size, scale_factor=(1, 1))
    )
    sample.gt_instances = InstanceData(
        bboxes=torch.tensor([[20.0, 30.0, 60.0, 90.0]]), labels=torch.tensor([0])
    )
    images = torch.randn(2, 3, *size)
    losses = model(images, [sample, sample], mode='loss')
    total = sum(sum(value) for value in losses.values())
    total.backward()
    assert torch.isfinite(total)
    without = [name for name, weight in model.named_parameters() if weight.grad is None]
    assert not without
    model.eval()
    with torch.no_grad():
        result = model(images[:1], [sample], mode='predict')[0].pred_instances
    assert result.bboxes.shape[1] == 4 and torch.isfinite(result.scores).all()


@pytest.mark.parametrize(
    ('name', 'published', 'parameters'),
    [
        # He et al., with the stride in the 1x1; 3.8, 7.6 and 11.3 G in the paper's own table 1.
        (dict(type='ResNet', depth=50, style='caffe'), 3.86e9, 23_508_032),
        (dict(type='ResNet', depth=101, style='caffe'), 7.57e9, 42_500_160),
        (dict(type='ResNet', depth=152, style='caffe'), 11.3e9, 58_143_808),
        # torchvision's model, less its classifier of 1,025,000 parameters.
        (dict(type='DenseNet', depth=121), 2.83e9, 7_978_856 - 1_025_000),
    ],
)
def test_backbones_have_the_published_size(name: dict, published: float, parameters: int):
    with without_storage():
        backbone = MODELS.build(name)
    assert meta_macs(backbone, 224) == pytest.approx(published, rel=0.02)
    assert sum(weight.numel() for weight in backbone.parameters()) == parameters


def test_inception_v4_has_the_published_size():
    """12.28 G at 299 and 42.68 M parameters in timm's table, which pads as the paper does."""
    with without_storage():
        backbone = InceptionV4()
    # Ours; its maps are larger, because they keep their borders.
    assert meta_macs(backbone, 224) == pytest.approx(8.14e9, rel=0.002)
    classifier = 1536 * 1000 + 1000
    assert sum(weight.numel() for weight in backbone.parameters()) == 42_679_816 - classifier
    unpadded = ['0', '1', '3.conv', '4.branch0.1', '4.branch1.3', '5.conv']
    unpadded += ['10.branch0', '10.branch1.2', '18.branch0.1', '18.branch1.3']
    for name in unpadded:
        backbone.features.get_submodule(name).conv.padding = (0, 0)
    for name in ('3.maxpool', '5.maxpool', '10.branch2', '18.branch2'):
        backbone.features.get_submodule(name).padding = 0
    assert meta_macs(backbone, 299) == pytest.approx(12.28e9, rel=0.02)


def test_the_first_row_of_table_3_is_resnet_50():
    """The same convolutions, so that the other rows exchange nothing but the blocks."""
    names = ('table3/retinanet_r50-conv3', 'retinanet_r50')
    rows = [config_of(f'paper/{name}_fpn_wider_face').model for name in names]
    ours, theirs = (built(Config(dict(model=model)).pretty_text).backbone for model in rows)
    assert meta_macs(ours, 224) == meta_macs(theirs, 224)
    shapes = [
        sorted(tuple(weight.shape) for weight in backbone.parameters())
        for backbone in (ours, theirs)
    ]
    assert shapes[0] == shapes[1]


def test_maps_of_odd_images_measure_the_rounded_up_quotient():
    for backbone in (DenseNet(growth=2, stem_channels=4, layers=[1] * 4), InceptionV4(divisor=32)):
        outputs = backbone.eval()(torch.zeros(1, 3, 97, 131))
        sizes = [tuple(out.shape[-2:]) for out in outputs]
        assert sizes == [(-(-97 // stride), -(-131 // stride)) for stride in (4, 8, 16, 32)]


@pytest.mark.parametrize(
    'bad',
    [
        lambda: DenseNet(depth=120),
        lambda: InceptionV4(divisor=3),
        lambda: ExtraLevels(dict(type='DenseNet'), in_channels=0),
        lambda: ExtraLevels(dict(type='DenseNet'), in_channels=8, extra=[[8]]),
        lambda: mmbfbox.models.SearchableFaceBackbone(
            out_channels=[12] * 6, deep_choices=['inception']
        ),
    ],
)
def test_a_bad_key_is_refused_in_one_sentence(bad):
    with pytest.raises(UserError) as caught:
        bad()
    assert '\n' not in str(caught.value)
