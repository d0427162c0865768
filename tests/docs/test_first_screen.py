"""Who follows the README and the first tutorial gets what they say: their blocks are run as they stand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from tests.docs.documents import ROOT, commands, python_blocks

README = ROOT / 'README.md'
TUTORIAL = ROOT / 'docs' / 'tutorials' / 'detect_faces.md'
HOPPER = Path(matplotlib.get_data_path()) / 'sample_data' / 'grace_hopper.jpg'
BLOCKS = [(file, n) for file in (README, TUTORIAL) for n in range(len(python_blocks(file)))]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a user stands: a picture, and a folder of pictures."""
    (tmp_path / 'photos').mkdir()
    shutil.copy(HOPPER, tmp_path / 'photo.jpg')
    shutil.copy(HOPPER, tmp_path / 'photos' / 'hopper.jpg')
    return tmp_path


def run(folder: Path, *words: str) -> str:
    """What Python prints."""
    env = os.environ | {'PYTHONPATH': str(ROOT)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout


@pytest.mark.parametrize(
    ('document', 'number'), BLOCKS, ids=lambda value: getattr(value, 'stem', value)
)
def test_a_block_of_python_runs(folder: Path, document: Path, number: int) -> None:
    run(folder, '-c', python_blocks(document)[number])


def test_the_readme_shows_boxes(folder: Path) -> None:
    (block,) = python_blocks(README)
    lines = run(folder, '-c', block).splitlines()
    assert lines and all(len([float(value) for value in line.split()]) == 5 for line in lines)


def test_the_tutorial_leaves_pictures(folder: Path) -> None:
    run(folder, '-c', python_blocks(TUTORIAL)[1])
    assert (folder / 'found.png').is_file() and (folder / 'face0.png').is_file()


@pytest.mark.parametrize('document', [README, TUTORIAL], ids=lambda document: document.stem)
def test_the_command_finds_faces_in_a_folder(folder: Path, document: Path) -> None:
    (words, *_) = (c.words for c in commands(document) if c.words[:2] == ('mmbfbox', 'detect'))
    run(folder, '-m', *words)
    assert [*(folder / 'found').iterdir()]
    if (folder / 'found.jsonl').exists():
        (line,) = (folder / 'found.jsonl').read_text().splitlines()
        assert json.loads(line)['faces']
