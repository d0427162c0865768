"""What stands in for mmcv's extension: all names are there, and what is missing says the way out."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import mmcv.ops
import pytest
import torch
from mmbfbox_ops.compiling import compiled

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope='module')
def extension() -> ModuleType:
    """The file ``mmcv/_ext.py``, whichever extension this environment has installed."""
    spec = importlib.util.spec_from_file_location('extension', ROOT / 'ops' / 'mmcv' / '_ext.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_name_that_mmcv_asks_for_is_there(extension: ModuleType):
    sources = Path(mmcv.ops.__file__).parent.glob('*.py')
    asked = {
        name
        for source in sources
        for names in re.findall(r"load_ext\(\s*'_ext',\s*\[(.*?)\]", source.read_text(), re.DOTALL)
        for name in re.findall(r"'(\w+)'", names)
    }
    assert {'nms', 'roi_align_forward'} < asked
    assert all(callable(getattr(extension, name)) for name in asked)


def test_a_missing_operator_is_one_sentence_that_names_it_and_the_way_out(extension: ModuleType):
    with pytest.raises(NotImplementedError, match='roi_align_forward.*OPS=full') as caught:
        extension.roi_align_forward(torch.rand(1), aligned_height=7)
    assert '\n' not in str(caught.value)
    with pytest.raises(AttributeError):
        extension.__path__  # noqa: B018


def test_mmcv_reports_what_stands_in_for_its_compiler(extension: ModuleType):
    assert extension.get_compiler_version().startswith('none: mmbfbox-ops ')
    assert extension.get_compiling_cuda_version() == 'not available'


def test_code_that_can_be_kept_nowhere_is_compiled_all_the_same():
    namespace: dict[str, object] = {}
    exec('def half(x): return x / 2', namespace)  # of no file, so numba finds no folder for it
    assert compiled(namespace['half'])(5) == 2.5


def test_the_distribution_adds_one_file_to_mmcv_and_needs_mmcv_lite(tmp_path: Path):
    source = shutil.copytree(ROOT / 'ops', tmp_path / 'ops')
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-q']
    subprocess.run([*command, '-w', tmp_path, source], check=True)
    (file,) = tmp_path.glob('mmbfbox_ops-*-py3-none-any.whl')
    with zipfile.ZipFile(file) as wheel:
        names = [name for name in wheel.namelist() if '.dist-info/' not in name]
        (metadata,) = (name for name in wheel.namelist() if name.endswith('/METADATA'))
        text = wheel.read(metadata).decode()
    modules = {f'mmbfbox_ops/{file.name}' for file in (ROOT / 'ops/mmbfbox_ops').glob('*.py')}
    assert set(names) == modules | {'mmbfbox_ops/py.typed', 'mmcv/_ext.py'}
    needs = re.findall(r'^Requires-Dist: ([\w-]+)', text, re.MULTILINE)
    assert sorted(needs) == ['mmcv-lite', 'numba', 'numpy', 'torch']


def test_mmdets_own_programs_run_without_our_package(tmp_path: Path):
    code = """
import sys, numpy, mmdet
from mmdet.apis import inference_detector, init_detector
configs = f'{mmdet.__path__[0]}/.mim/configs'
detector = init_detector(f'{configs}/retinanet/retinanet_r18_fpn_1x_coco.py', device='cpu',
    cfg_options={'model.backbone.init_cfg': None, 'model.test_cfg.score_thr': 0.001})
picture = numpy.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=numpy.uint8)
print('boxes', len(inference_detector(detector, picture).pred_instances))
assert 'mmbfbox' not in sys.modules
"""
    command = [sys.executable, '-W', 'ignore', '-c', code]
    done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert int(re.search(r'^boxes (\d+)$', done.stdout, re.MULTILINE)[1]) > 0
