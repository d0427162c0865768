"""tools/export_onnx.py and publish_model.py --folder: what they write, and what they refuse."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
import torch
from mmengine import Config

from mmbfbox.artifacts.onnx_meta import OnnxMeta
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.engine import load_checkpoint_file
from mmbfbox.engine.checkpoint.weights import digest, read_weights
from mmbfbox.export.onnx import read_detector
from mmbfbox.export.onnx.average_precision import detect
from mmbfbox.export.onnx.parity import compare, random_batches
from mmbfbox.export.onnx.prepare import prepare
from mmbfbox.export.onnx.sessions import onnx_run
from tests.export.onnx.detectors import HEADS, base, build
from tests.running_tools import failure, run

MODEL = dict(
    backbone=dict(
        type='FaceBackbone', stages=[['conv3'], ['dw3_5'], ['dense2x32']], stem_channels=8,
        out_channels=[8, 12, 16],
    ),
    neck=dict(
        type='AttentionFPN', in_channels=[8, 12, 16], channels=8,
        merges=['p3 = c3 + c4', 'p2 = c2 + p3'],
    ),
)  # fmt: skip


def model(head: str = 'per level') -> Any:
    """Config of a narrow detector with strides 4, 8, 16."""
    own = base()
    own.update(MODEL)
    own.bbox_head.merge(dict(in_channels=8, **HEADS[head]))
    own.bbox_head.anchor_generator.strides = [4, 8, 16]
    own.data_preprocessor.pad_size_divisor = 16
    return own


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory) -> Path:
    """A checkpoint as training leaves it."""
    path = tmp_path_factory.mktemp('trained') / 'iter_9.pth'
    config = Config(
        dict(model=model(), data_root='/home/someone/wider/', work_dir='/home/someone/1')
    )
    meta = dict(cfg=config.pretty_text, dataset_meta=dict(classes=('face',)))
    torch.save(dict(state_dict=build(config.model).state_dict(), meta=meta), path)
    return path


@pytest.fixture(scope='module')
def wider(tmp_path_factory) -> Path:
    """A few pictures in WIDER FACE's layout."""
    root = tmp_path_factory.mktemp('data') / 'wider'
    make_demo_data(root, seed=0, train=4, val=3, size=96)
    return root


def test_one_command_writes_float32_eight_bits_and_openvino(
    checkpoint, wider, tmp_path, capsys, caplog
):
    pytest.importorskip('openvino')
    out = tmp_path / 'face.onnx'
    run(
        'export_onnx', checkpoint, '--out', out, '--int8', wider / 'WIDER_train', '--wider', wider,
        '--size', 96, '--openvino', '--licence', 'CC0-1.0',
    )  # fmt: skip
    assert not caplog.text
    said = capsys.readouterr().out
    assert 'scores differ by' in said and 'float32: easy' in said and 'int8: easy' in said
    names = ['face.bin', 'face.int8.onnx', 'face.onnx', 'face.xml']
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    metas = []
    for name in ('face.onnx', 'face.int8.onnx'):
        graph = onnx.load(tmp_path / name)
        metas.append(OnnxMeta.from_texts({m.key: m.value for m in graph.metadata_props}, name))
        assert b'someone' not in (tmp_path / name).read_bytes()
        assert b'/tmp' not in (tmp_path / name).read_bytes()
    assert metas[0] == metas[1]
    assert (metas[0].name, metas[0].licence) == ('face', 'CC0-1.0')
    assert metas[0].source == digest(torch.load(checkpoint)['state_dict'])
    quantised = onnx.load(tmp_path / 'face.int8.onnx')
    wrapped = {node.op_type for node in quantised.graph.node}
    assert {'QuantizeLinear', 'DequantizeLinear', 'Conv'} <= wrapped
    # Filters channel by channel: as many scales as filters.
    scales = [len(t.float_data) or len(t.raw_data) // 4 for t in quantised.graph.initializer
              if t.name.endswith('scale') and len(t.dims)]  # fmt: skip
    assert 8 in scales
    # The convolutions of the head and those before them: there eight bits cost most.
    constants = {tensor.name for tensor in quantised.graph.initializer}
    convolutions = [node for node in quantised.graph.node if node.op_type == 'Conv']
    exact_ones = [node.name for node in convolutions if node.input[1] in constants]
    assert [name for name in exact_ones if 'bbox_head' in name] == [
        node.name for node in convolutions if 'bbox_head' in node.name
    ]
    assert 3 < len(exact_ones) < len(convolutions) / 2
    assert all('neck' in name for name in exact_ones if 'bbox_head' not in name)
    xml = (tmp_path / 'face.xml').read_text()
    assert 'mmbfbox.layout' in xml and 'someone' not in xml and str(tmp_path) not in xml
    exact, rounded = (onnx_run(onnx.load(tmp_path / n)) for n in ('face.onnx', 'face.int8.onnx'))
    picture = cv2.imread(str(next((wider / 'WIDER_val').rglob('*.jpg'))))
    assert picture.shape == (96, 96, 3)
    batch = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32)
    difference = abs(exact({'image': batch})['score_4'] - rounded({'image': batch})['score_4'])
    assert 0 < difference.max() < 0.2
    faces = detect(exact, metas[0], picture, (96, 96))
    assert faces.shape[1] == 5 and len(faces) <= 750


def test_a_config_beside_the_weights_is_found_and_another_one_is_refused(
    checkpoint, tmp_path, capsys
):
    data = load_checkpoint_file(checkpoint)
    torch.save(dict(state_dict=data['state_dict'], meta={}), tmp_path / 'weights.pth')
    export = ('export_onnx', tmp_path / 'weights.pth', '--out', tmp_path / 'face.onnx')
    assert 'no config.py beside it; give the config as --config' in failure(capsys, *export)
    (tmp_path / 'config.py').write_text(data['meta']['cfg'])
    run(*export)
    (tmp_path / 'face.onnx').unlink()
    Config(dict(model=model('two anchors'))).dump(tmp_path / 'other.py')
    said = failure(capsys, *export, '--config', tmp_path / 'other.py')
    assert 'does not belong to this config' in said
    assert not (tmp_path / 'face.onnx').exists()


@pytest.mark.parametrize(
    ('arguments', 'sentence'),
    [
        (['--out', 'face.pth'], 'ends in .onnx'),
        (['--layout', 'yunet'], 'the layout yunet knows strides 8, 16, 32'),
        (['--strides', '8', '32'], 'choose among those of the detector'),
        (['--int8', 'nowhere'], 'nowhere does not exist'),
        (['--int8', 'empty'], 'has no pictures'),
        (['--images', 'damaged'], 'no picture of the folder damaged can be read'),
        (['--wider', 'empty'], 'give the training pictures as --int8'),
        (['--size', '0'], 'the size is 0'),
        (['--nms', '--layout', 'scrfd'], 'leave --nms out'),
    ],
)
def test_what_cannot_be_exported_is_one_sentence_and_nothing_is_written(
    arguments, sentence, checkpoint, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'damaged').mkdir()
    (tmp_path / 'damaged' / 'a.jpg').write_bytes(b'\xff\xd8\xff')
    said = failure(capsys, 'export_onnx', checkpoint, '--out', 'out/face.onnx', *arguments)
    assert sentence in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ['damaged', 'empty']


def test_a_published_folder_holds_all_that_readers_need(checkpoint, wider, tmp_path, capsys):
    folder = tmp_path / 'bfbox'
    run(
        'publish_model', checkpoint, '--out', folder, '--folder', '--name', 'bfbox-tiny',
        '--licence', 'CC0-1.0', '--int8', wider / 'WIDER_train',
    )  # fmt: skip
    names = [
        'README.md', 'config.py', 'model.int8.onnx', 'model.onnx', 'sha256sums',
        'weights.pth', 'weights.safetensors',
    ]  # fmt: skip
    assert sorted(path.name for path in folder.iterdir()) == names
    sums = dict(line.split()[::-1] for line in (folder / 'sha256sums').read_text().splitlines())
    assert set(sums) == {*names} - {'sha256sums'}
    for name, value in sums.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == value
    if shutil.which('sha256sum'):
        subprocess.run(['sha256sum', '--quiet', '-c', 'sha256sums'], cwd=folder, check=True)
    for path in folder.iterdir():
        assert b'someone' not in path.read_bytes(), path.name
    # The same weights in both files, and each makes the detector by itself or with the config.
    both = [read_weights(folder / f'weights.{suffix}') for suffix in ('pth', 'safetensors')]
    assert digest(both[0].state) == digest(both[1].state) == both[0].meta['sha256']
    assert both[1].meta['cfg'] == both[0].meta['cfg'] == (folder / 'config.py').read_text()
    detector = read_detector(folder / 'weights.safetensors')
    graph = onnx.load(folder / 'model.onnx')
    assert compare(detector, prepare(detector), onnx_run(graph), random_batches(16)).holds
    card = (folder / 'README.md').read_text()
    for words in ('# bfbox-tiny', 'CC0-1.0', both[0].meta['sha256'], 'p3 = c3 + c4', 'score_s'):
        assert words in card
    config = Config.fromfile(folder / 'config.py')
    assert config.model.backbone.type == 'FaceBackbone'


def test_a_damaged_safetensors_file_is_one_sentence(checkpoint, tmp_path, capsys):
    (tmp_path / 'weights.safetensors').write_bytes(b'\x08\0\0\0\0\0\0\0{"a":')
    said = failure(
        capsys, 'export_onnx', tmp_path / 'weights.safetensors', '--out', tmp_path / 'face.onnx'
    )
    assert 'it is damaged or no checkpoint' in said
    said = failure(capsys, 'publish_model', checkpoint, '--out', tmp_path, '--int8', tmp_path)
    assert 'give --folder, too' in said
