"""What an installed package offers, and how configs are found and read."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
import yaml
from mmengine import Config
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from mmbfbox.errors import UserError
from mmbfbox.utils.config import find_config, load_config

ROOT = Path(__file__).resolve().parents[1]
CONFIGS = sorted(file.relative_to(ROOT / 'configs') for file in (ROOT / 'configs').rglob('*.py'))


@pytest.fixture(scope='module')
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the files of the built wheel and nothing else."""
    source = tmp_path_factory.mktemp('source')
    # A copy: building leaves a build/ folder behind, whose stale files get into the next wheel.
    for folder in ('mmbfbox', 'configs', 'tools'):
        skipped = shutil.ignore_patterns('__pycache__')
        shutil.copytree(ROOT / folder, source / folder, ignore=skipped)
    for file in ('setup.py', 'pyproject.toml', 'MANIFEST.in', 'LICENSE', 'model-index.yml'):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '.']
    subprocess.run([*command, '-q', '-w', 'dist'], cwd=source, check=True)
    (wheel,) = (source / 'dist').glob('*.whl')
    target = tmp_path_factory.mktemp('installed')
    zipfile.ZipFile(wheel).extractall(target)
    return target


@pytest.fixture(scope='module')
def metadata(installed: Path) -> Message:
    """What pip reads of the wheel."""
    (folder,) = installed.glob('mmbfbox-*.dist-info')
    return message_from_string((folder / 'METADATA').read_text())


def requirements(metadata: Message, extra: str = '') -> dict[str, Requirement]:
    """What is installed with this extra, by name."""
    found = map(Requirement, metadata.get_all('Requires-Dist', []))
    return {
        one.name: one
        for one in found
        if (one.marker.evaluate({'extra': extra}) if one.marker else not extra)
    }


def pins() -> dict[str, list[str]]:
    """The versions of requirements/, by name; some depend on the version of Python."""
    found: dict[str, list[str]] = {}
    for file in (ROOT / 'requirements').glob('*.txt'):
        for name, version in re.findall(r'^([\w.-]+)==([^\s;]+)', file.read_text(), re.MULTILINE):
            found.setdefault(canonicalize_name(name), []).append(version)
    return found


def test_detecting_needs_three_packages(metadata: Message) -> None:
    assert set(requirements(metadata)) == {'numpy', 'onnxruntime', 'opencv-python-headless'}


def test_training_is_an_extra_with_mmcv_lite_and_our_operators(metadata: Message) -> None:
    assert {'openvino', 'train', 'demo', 'dev'} <= set(metadata.get_all('Provides-Extra', []))
    train = requirements(metadata, 'train')
    assert {'torch', 'mmengine', 'mmdet', 'mmcv-lite', 'mmbfbox-ops'} <= set(train)
    assert 'mmcv' not in train and set(train) < set(requirements(metadata, 'demo'))
    compiled = set(requirements(metadata, 'mm'))
    assert compiled == set(train) - {'mmcv-lite', 'mmbfbox-ops'} | {'mmcv'}


def test_no_torch_is_accepted_whose_safe_loading_is_not_safe(metadata: Message) -> None:
    allowed = requirements(metadata, 'train')['torch'].specifier
    assert '2.6.0' in allowed and '2.5.1' not in allowed


@pytest.mark.parametrize('extra', ['', 'openvino', 'train', 'mm', 'demo', 'docs', 'watch', 'dev'])
def test_the_tested_versions_are_among_those_that_are_asked_for(
    metadata: Message, extra: str
) -> None:
    pinned = pins()
    asked = requirements(metadata, extra)
    for name in (
        'mmbfbox-ops',
        'opencv-python',
    ):  # of this repository; the headless build is tested
        asked.pop(name, None)
    assert asked
    for name, requirement in asked.items():
        versions = pinned[canonicalize_name(name)]
        assert all(version in requirement.specifier for version in versions), name


def test_what_detects_imports_neither_torch_nor_mmcv() -> None:
    light = ['mmbfbox', *(['mmbfbox.deploy'] if (ROOT / 'mmbfbox' / 'deploy').is_dir() else [])]
    code = """
import sys
for name in ('torch mmcv mmengine mmdet mmbfbox_ops numba scipy matplotlib simplejpeg onnx openvino PIL '
             'skimage pycocotools tensorboard yaml'.split()):
    sys.modules[name] = None  # importing it is an ImportError
for name in sys.argv[1:]:
    __import__(name)
"""
    subprocess.run([sys.executable, '-c', code, *light], cwd=ROOT, check=True)


def test_wheel_holds_our_package_alone(installed: Path) -> None:
    assert {entry.name.partition('-')[0] for entry in installed.iterdir()} == {'mmbfbox'}
    assert not [file for file in installed.rglob('*') if file.suffix in {'.pyc', '.so', '.pth'}]


def test_wheel_holds_every_config_tool_and_part_of_the_pages(installed: Path) -> None:
    assert CONFIGS
    explained = [f for f in (ROOT / 'configs').rglob('*') if f.suffix in {'.py', '.md', '.yml'}]
    for file in explained:
        packaged = installed / 'mmbfbox' / file.relative_to(ROOT)
        assert packaged.read_bytes() == file.read_bytes()
    tools = {file.name for file in (ROOT / 'tools').iterdir() if file.suffix in {'.py', '.sh'}}
    packaged_tools = {file.name for file in (installed / 'mmbfbox' / 'tools').iterdir()}
    assert packaged_tools == tools - {'make_env.sh'}
    for page in ('search/report/page', 'pipeline/run_report/page', 'utils/page'):
        folder = Path('mmbfbox') / page
        parts = {file.name for file in (ROOT / folder).iterdir() if file.is_file()}
        assert {file.name for file in (installed / folder).iterdir()} == parts and len(parts) > 2


def test_wheel_holds_the_model_index_where_mim_looks_for_it(installed: Path) -> None:
    folder = installed / 'mmbfbox' / '.mim'
    files = yaml.safe_load((folder / 'model-index.yml').read_text())['Import']
    models = [m for file in files for m in yaml.safe_load((folder / file).read_text())['Models']]
    assert len(models) > 80
    assert all((folder / model['Config']).is_file() for model in models)
    light = next(m['Config'] for m in models if m['Name'] == 'retinanet_r18_fpn_demo')
    assert Config.fromfile(folder / light).model == load_config(light).model
    assert (folder / 'tools' / 'train.py').is_file() and not [*folder.rglob('make_env.sh')]


def test_installed_package_finds_its_configs(installed: Path, tmp_path: Path) -> None:
    code = (
        'import sys; from mmbfbox.utils.config import find_config\n'
        'for name in sys.argv[1:]: print(find_config(name))'
    )
    found = subprocess.run(
        [sys.executable, '-c', code, *map(str, CONFIGS)],
        cwd=tmp_path,
        env=os.environ | {'PYTHONPATH': str(installed)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert found == [str(installed / 'mmbfbox' / 'configs' / config) for config in CONFIGS]


def test_a_config_is_found_by_path_and_by_name_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = tmp_path / 'own.py'
    own.write_text('a = 1')
    assert find_config('own.py').samefile(own)
    name = CONFIGS[0]
    for spelling in (name, Path('configs') / name, name.with_suffix('')):
        assert find_config(spelling) == ROOT / 'configs' / name


def test_an_unknown_config_is_answered_with_near_names() -> None:
    name = str(CONFIGS[0])
    with pytest.raises(UserError, match=f'did you mean .*{name}'):
        find_config(name.replace('.py', 'x.py'))


def test_options_are_merged_into_a_config(tmp_path: Path) -> None:
    path = tmp_path / 'own.py'
    path.write_text("model = dict(type='A', stages=[dict(depth=4), dict(depth=4)])")
    config = load_config(path, {'model.stages.1.depth': 2, 'model.width': 8, 'resume': True})
    assert config.model == {'type': 'A', 'stages': [{'depth': 4}, {'depth': 2}], 'width': 8}
    assert config.resume is True


@pytest.mark.parametrize(
    ('text', 'options', 'message'),
    [
        ('a = (1,\nb = 2', {}, 'not valid Python, line 1'),
        ("_base_ = 'missing.py'", {}, 'FileNotFoundError.*missing.py'),
        ('a = 1 / 0', {}, 'division by zero'),
        ('model = dict(a=1)', {'modle.a': 2}, 'modle.a.*did you mean one of model?'),
        ('model = dict(a=[1])', {'model.a.4': 2}, 'model.a.4 does not fit'),
    ],
)
def test_a_bad_config_or_option_is_one_sentence(
    tmp_path: Path, text: str, options: dict[str, int], message: str
) -> None:
    path = tmp_path / 'own.py'
    path.write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        load_config(path, options)
    assert str(path) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_operators_that_are_not_there_are_refused_before_anything_is_installed() -> None:
    command = ['bash', str(ROOT / 'tools' / 'make_env.sh')]
    env = os.environ | {'OPS': 'ful'}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ''
    assert re.fullmatch(r'error: OPS=ful is neither lite .* nor full .*\n', done.stderr)
