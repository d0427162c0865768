"""Which model is taken, and what is said of one that cannot be used."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import onnx
import pytest

from mmbfbox.deploy import FaceDetector, model_file
from mmbfbox.errors import UserError
from mmbfbox.export.onnx.exporting import read_detector
from mmbfbox.export.onnx.prepare import prepare
from tests.deploy.conftest import picture

ROOT = Path(__file__).resolve().parents[2]


def test_the_back_end_follows_from_the_file_and_the_precision(folder):
    pytest.importorskip('openvino')
    assert FaceDetector(folder).backend == 'onnx'
    assert FaceDetector(folder / 'model.pth').backend == 'torch'
    assert FaceDetector(folder / 'model.onnx', precision='bf16').backend == 'openvino'
    assert FaceDetector(folder, 'torch').path == folder / 'model.pth'
    assert FaceDetector(folder).info.name == 'small'


def test_openvinos_own_files_are_read(folder, tmp_path):
    openvino = pytest.importorskip('openvino')
    openvino.save_model(openvino.Core().read_model(folder / 'model.onnx'), tmp_path / 'model.xml')
    own = FaceDetector(tmp_path / 'model.xml', score=0.0, threads=1)
    assert own.backend == 'openvino' and own.info.strides == FaceDetector(folder).info.strides
    assert len(own(picture()))


def test_a_build_without_weights_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(model_file, 'PACKAGED', tmp_path)
    with pytest.raises(UserError, match='ships no weights; give the model'):
        FaceDetector()


def test_models_that_are_dropped_into_the_package_are_found(model, monkeypatch, tmp_path):
    monkeypatch.setattr(model_file, 'PACKAGED', tmp_path)
    shutil.copy(model, tmp_path / 'bfbox_0.5g.onnx')
    shutil.copy(model, tmp_path / 'bfbox_0.5g.int8.onnx')
    assert model_file.packaged_models() == ['bfbox_0.5g']
    assert FaceDetector().path.name == 'bfbox_0.5g.onnx'
    assert FaceDetector('bfbox_0.5g').path.name == 'bfbox_0.5g.onnx'
    assert FaceDetector(precision='int8').path.name == 'bfbox_0.5g.int8.onnx'


def test_a_hash_that_does_not_match_is_refused(model, tmp_path):
    copy = tmp_path / 'model.onnx'
    shutil.copy(model, copy)
    total = hashlib.sha256(copy.read_bytes()).hexdigest()
    (tmp_path / 'sha256sums').write_text(f'{total}  model.onnx\n')
    assert FaceDetector(tmp_path).path == copy
    copy.write_bytes(copy.read_bytes() + b'\0')
    with pytest.raises(UserError, match=f'expected {total[:8]}; fetch it again'):
        FaceDetector(tmp_path)
    named = tmp_path / 'small-01234567.onnx'
    shutil.copy(model, named)
    with pytest.raises(UserError, match='expected 01234567'):
        FaceDetector(named)


def test_a_model_that_cannot_be_used_is_told(folder, tmp_path):
    whole = (folder / 'model.onnx').read_bytes()
    cut, other, foreign = (tmp_path / f'{name}.onnx' for name in ('cut', 'other', 'foreign'))
    cut.write_bytes(whole[: len(whole) // 2])
    # Without the comparison that an export makes, which takes its time.
    graph = prepare(read_detector(folder / 'model.pth'), 'yunet', [8, 16, 32]).model
    own = {entry.key: entry.value for entry in onnx.load(folder / 'model.onnx').metadata_props}
    onnx.helper.set_model_props(graph, {**own, 'mmbfbox.layout': 'yunet'})
    onnx.save(graph, other)
    plain = onnx.load(folder / 'model.onnx')
    del plain.metadata_props[:]
    onnx.save(plain, foreign)
    backends = ['onnx']
    if find_spec('openvino'):
        backends.append('openvino')
    for backend in backends:
        for path, sentence in (
            (cut, 'cannot be loaded'),
            (other, 'has the layout yunet'),
            (foreign, 'not an exported detector'),
        ):
            with pytest.raises(UserError, match=sentence) as error:
                FaceDetector(path, backend)
            assert '\n' not in str(error.value)


@pytest.mark.parametrize(
    'options, sentence',
    [
        (dict(model='no_such.onnx'), 'there is no model no_such.onnx'),
        (dict(model=3), 'the model is 3; give its path'),
        (dict(model='setup.py'), "ends in '.py'"),
        (dict(model='tests'), 'holds no model'),
        (dict(backend='tensorrt'), "backend is 'tensorrt'; take one of auto"),
        (dict(precision='fp8'), "precision is 'fp8'; take one of"),
        (dict(precision='int8'), 'holds no int8 model'),
        (dict(precision='bf16', backend='onnx'), 'does not compute in bf16'),
        (dict(device='cuda'), 'knows no CUDA|CUDA'),
        (dict(device='toaster'), "device is 'toaster'"),
        (dict(size='large'), "size is 'large'"),
        (dict(size=0), 'size is 0'),
        (dict(size=(1, 2, 3)), r'size is \(1, 2, 3\)'),
        (dict(score=2), 'score is 2'),
        (dict(threads=0), 'threads is 0'),
    ],
)
def test_wrong_arguments_are_told(folder, options, sentence, monkeypatch):
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match=sentence):
        FaceDetector(**{'model': folder, **options})


WITHOUT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {0}:
            raise ModuleNotFoundError(f'No module named {{name!r}}', name=name)
sys.meta_path.insert(0, Absent())
import mmbfbox, mmbfbox.deploy
from mmbfbox.errors import UserError
try:
    faces = mmbfbox.deploy.FaceDetector(*sys.argv[1:3], score=0.0, precision=sys.argv[4])(sys.argv[3])
    print(len(faces), [m for m in sys.modules if m.split('.')[0] in {0}])
except UserError as error:
    print(error)
"""


def run_without(
    absent: tuple[str, ...], model: Path, backend: str, photo: Path, precision: str = 'fp32'
) -> str:
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    words = [
        sys.executable,
        '-c',
        WITHOUT.format(set(absent)),
        *map(str, (model, backend, photo, precision)),
    ]
    done = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


def test_faces_are_found_where_only_the_three_dependencies_are(folder, photos):
    absent = (
        'torch',
        'mmcv',
        'mmdet',
        'mmengine',
        'numba',
        'scipy',
        'matplotlib',
        'simplejpeg',
        'PIL',
    )
    found = run_without((*absent, 'openvino'), folder / 'model.onnx', 'auto', photos / 'a.jpg')
    assert int(found.split()[0]) > 0 and found.endswith('[]')


def test_a_missing_back_end_is_told_with_what_to_install(folder, photos):
    told = run_without(('openvino',), folder / 'model.onnx', 'openvino', photos / 'a.jpg')
    assert told.endswith('pip install "mmbfbox[openvino]", or take backend="onnx"')
    told = run_without(('openvino',), folder / 'model.onnx', 'auto', photos / 'a.jpg', 'bf16')
    assert told.endswith('pip install "mmbfbox[openvino]", or take precision="fp32"')
    told = run_without(('torch',), folder / 'model.pth', 'auto', photos / 'a.jpg')
    assert 'pip install "mmbfbox[train]"' in told and '\n' not in told
