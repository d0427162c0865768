"""Published files carry what others need and nothing else."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from mmdet.registry import MODELS
from mmengine import Config
from mmengine.logging import HistoryBuffer

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.engine import load_checkpoint_file, load_weights
from mmbfbox.engine.checkpoint.weights import digest
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_model
from mmbfbox.export.publish import publish
from mmbfbox.models import space_of
from mmbfbox.utils.config import config_from_text, load_config

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'publish_model.py'


@pytest.fixture
def trained(supernet, supernet_config, tmp_path):
    """A checkpoint as training leaves it, with much that is nobody's business, and its arch."""
    arch = space_of(supernet).sample(0, 0)
    config = Config(
        dict(
            model=subnet_model(supernet_config.model.to_dict(), arch),
            data_root='/home/someone/wider/',
            train_dataloader=dict(dataset=dict(ann='/home/someone/wider/train.txt')),
            work_dir='/home/someone/runs/1',
            load_from='/home/someone/start.pth',
        )
    )
    weights = MODELS.build(config.model).state_dict()
    checkpoint = dict(
        state_dict=weights,
        optimizer=dict(state={0: dict(momentum_buffer=torch.ones(3))}),
        message_hub=dict(log_scalars=dict(loss=HistoryBuffer([1.0], [1]))),
        meta=dict(
            cfg=config.pretty_text,
            experiment_name='secret',
            dataset_meta=dict(classes=('face',), palette=[(1, 2, 3)]),
            hostname='someones-machine',
        ),
    )
    path = tmp_path / 'iter_9.pth'
    torch.save(checkpoint, path)
    return path, weights, arch


def test_published_file_carries_weights_config_arch_metric_and_hash_only(trained, tmp_path):
    path, weights, arch = trained
    published = publish(path, tmp_path / 'out', metrics=Metrics({'wider/hard': 0.5}), name='bfbox')
    data = load_checkpoint_file(published.weights)
    assert set(data) == {'state_dict', 'meta'}
    known = {'schema', 'cfg', 'arch', 'metric', 'sha256', 'dataset_meta', 'weights'}
    assert set(data['meta']) == known
    assert data['meta']['dataset_meta'] == dict(classes=('face',))
    assert data['meta']['metric'] == {'wider/hard': 0.5}
    assert data['meta']['arch'] == str(arch)
    assert data['meta']['sha256'] == digest(weights) == digest(data['state_dict'])
    content = published.weights.read_bytes()
    for secret in (b'someone', b'secret', b'momentum', b'HistoryBuffer'):
        assert secret not in content, secret
    assert 'someone' not in published.config.read_text()


def test_name_holds_the_first_eight_digits_of_the_files_hash(trained, tmp_path):
    published = publish(trained[0], tmp_path / 'out')
    expected = hashlib.sha256(published.weights.read_bytes()).hexdigest()[:8]
    assert published.weights.name == f'iter_9-{expected}.pth'
    assert sorted(file.name for file in (tmp_path / 'out').iterdir()) == sorted(
        (published.weights.name, published.config.name)
    )
    # The same checkpoint gives the same file.
    assert publish(trained[0], tmp_path / 'again').weights.name == published.weights.name


def test_published_config_and_weights_make_the_network_again(trained, tmp_path):
    published = publish(trained[0], tmp_path / 'out')
    model = MODELS.build(Config.fromfile(published.config).model)
    load_weights(model, load_checkpoint_file(published.weights)['state_dict'], 'the file')


def test_digest_tells_values_names_and_types_apart():
    base = dict(a=torch.zeros(2), b=torch.tensor(1))
    others = [
        dict(a=torch.tensor([0.0, 1.0]), b=torch.tensor(1)),
        dict(a=torch.zeros(2), c=torch.tensor(1)),
        dict(a=torch.zeros(2).double(), b=torch.tensor(1)),
        dict(a=torch.zeros(1, 2), b=torch.tensor(1)),
    ]
    assert len({digest(state) for state in (base, *others)}) == 5


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, target):
        self.target = str(target)

    def __reduce__(self):
        return (open, (self.target, 'w'))


def run_tool(monkeypatch, *arguments):
    spec = importlib.util.spec_from_file_location('publish_model', TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    monkeypatch.setattr(sys, 'argv', ['publish_model', *map(str, arguments)])
    tool.main()


def test_what_is_not_allowed_is_refused_in_one_sentence_and_not_executed(
    tmp_path, monkeypatch, capsys
):
    victim, out = tmp_path / 'victim', tmp_path / 'out'
    files = {
        'refused': dict(state_dict={}, meta=Malicious(victim)),
        'no "state_dict"': dict(weights={}),
        'holds no config': dict(state_dict=dict(a=torch.ones(1)), meta={}),
        'more than settings': dict(state_dict={}, meta=dict(cfg=f'x = open("{victim}", "w")')),
    }
    for sentence, content in files.items():
        torch.save(content, tmp_path / 'bad.pth')
        with pytest.raises(SystemExit):
            run_tool(monkeypatch, tmp_path / 'bad.pth', '--out', out)
        said = capsys.readouterr().err
        assert sentence in said and said.count('\n') == 1
    assert not victim.exists() and not out.exists()


def test_config_without_data_root_is_published_as_it_is(trained, tmp_path):
    config = Config.fromfile(publish(trained[0], tmp_path / 'out').config)
    config.pop('data_root')
    data = load_checkpoint_file(publish(trained[0], tmp_path / 'out', config).weights)
    assert 'data_root' not in data['meta']['cfg']
    with pytest.raises(UserError, match='does not exist'):
        publish(tmp_path / 'no.pth', tmp_path / 'out')


def test_a_network_without_an_arch_is_published_and_one_of_another_config_is_not(
    trained, supernet, supernet_config, tmp_path
):
    torch.save(supernet.state_dict(), tmp_path / 'supernet.pth')
    published = publish(tmp_path / 'supernet.pth', tmp_path / 'out', supernet_config)
    assert load_checkpoint_file(published.weights)['meta']['arch'] is None
    with pytest.raises(
        UserError, match=r'iter_9.pth does not belong to this config: \d+ parameters'
    ):
        publish(trained[0], tmp_path / 'no', supernet_config)
    with pytest.raises(UserError, match='cannot be built'):
        publish(trained[0], tmp_path / 'no', Config(dict(model=dict(type='RetinaNet'))))
    assert not (tmp_path / 'no').exists()


SECRET_PATHS = (
    '/home/someone/start.pth',
    '/home/someone/wider2/list.txt',  # not below the data root /home/someone/wider
    '/home/someone',
    '~someone/start.pth',
    'file:///home/someone/start.pth',
    '../someone/list.txt',
    r'C:\Users\someone\start.pth',
    r'\\someone\share\start.pth',
    '/home/someone else/start.pth',
    'python train.py --load=/home/someone/start.pth --again',
    'a:/home/someone/b',
    '//someone/share',
)
PUBLIC_STRINGS = (
    'torchvision://resnet50',
    'https://example.org/models/r50.pth',
    's3://bucket/r50.pth',
    'wider/hard',
    'images/0--Parade',
    'a / b',
    '1/2',
    'mmbfbox.models',
)


@pytest.mark.parametrize('secret', SECRET_PATHS)
def test_no_string_of_a_published_file_is_a_path_of_this_machine(trained, tmp_path, secret):
    config = config_of(trained)
    config.train_dataloader.dataset.ann_file = secret
    config.train_dataloader.dataset.roots = [dict(path=(secret, 3))]
    config.file_mapping = {secret: 'x'}
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=secret)
    config.metric_of = secret
    metrics = Metrics({'wider/hard': 0.5}, TestSettings('original size', tta=dict(preset=secret)))
    published = publish(trained[0], tmp_path / 'out', config, metrics)
    for file in (published.weights, published.config):
        assert b'someone' not in file.read_bytes(), file
    written = load_config(published.config)
    assert written.train_dataloader.dataset.ann == 'data/WIDER/train.txt'
    assert written.model.backbone.init_cfg is None
    assert 'train_dataloader.dataset.ann_file' in published.replaced
    assert 'model.backbone.init_cfg' in published.replaced


def test_what_is_no_path_of_this_machine_is_published_as_it_is(trained, tmp_path):
    config = config_of(trained)
    config.strings = list(PUBLIC_STRINGS)
    config.model.backbone.init_cfg = dict(type='Pretrained', checkpoint='torchvision://resnet18')
    published = publish(trained[0], tmp_path / 'out', config)
    written = load_config(published.config)
    assert written.strings == list(PUBLIC_STRINGS)
    assert written.model.backbone.init_cfg.checkpoint == 'torchvision://resnet18'
    assert not published.replaced


@pytest.mark.parametrize('root', ['', '/', None])
def test_a_config_with_an_empty_data_root_is_published(trained, tmp_path, root):
    config = config_of(trained)
    config.data_root = root
    published = publish(trained[0], tmp_path / 'out', config)
    assert 'someone' not in published.config.read_text()
    assert load_config(published.config).train_dataloader.dataset.ann == 'local/train.txt'


def config_of(trained) -> Config:
    """The config that a checkpoint was trained with."""
    return config_from_text(load_checkpoint_file(trained[0])['meta']['cfg'], 'the checkpoint')
