"""A training that an earlier version began (commit 844bced) goes on as it would have there.

``tests/data/training_before`` holds its config, its checkpoint of iteration 4 of 8, and what the run
gave that was not stopped; ``make.py`` in that folder made them with the code of that commit.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine import Config

from mmbfbox.engine import load_checkpoint_file
from tests.data.training_before import make

FILES = Path(make.__file__).parent
CHECKPOINT = f'iter_{make.STOP}.pth'


@pytest.fixture
def expected() -> dict[str, Any]:
    return json.loads((FILES / 'expected.json').read_text())


@pytest.fixture
def work_dir(tmp_path) -> Path:
    """A copy of the older run's folder; ``last_checkpoint`` in it names a place that is gone."""
    for name in (CHECKPOINT, 'last_checkpoint'):
        shutil.copy(FILES / name, tmp_path)
    return tmp_path


def config() -> Config:
    return Config.fromfile(FILES / 'config.py')


def same_arithmetic(folder: Path) -> bool:
    """Whether this machine gets the bits of the stored checkpoint: other CPUs and torches round otherwise."""
    make.run(config(), str(folder), make.STOP)
    stored, here = (
        load_checkpoint_file(path / CHECKPOINT)['state_dict'] for path in (FILES, folder)
    )
    assert stored.keys() == here.keys()
    return all(torch.equal(stored[name], here[name]) for name in stored)


def test_it_goes_on_to_the_last_bit_as_under_the_older_code(work_dir, expected, tmp_path_factory):
    found = make.summary(make.run(config(), str(work_dir), make.END, resume=True))
    assert len(found['losses']) == make.END
    assert found['losses'] == pytest.approx(expected['losses'], rel=1e-4)
    assert found['norms'] == pytest.approx(expected['norms'], rel=1e-4, abs=1e-6)
    if same_arithmetic(tmp_path_factory.mktemp('again')):
        assert found == expected


def test_its_counts_of_choices_go_on(work_dir):
    """Eight fair updates: each of two choices of a slot was trained in four iterations."""
    make.run(config(), str(work_dir), make.END, resume=True)
    before, after = (
        load_checkpoint_file(work_dir / f'iter_{step}.pth')['meta']
        for step in (make.STOP, make.END)
    )
    assert before['space'] == after['space']
    assert before['path_counts']['c2.1'] == dict(conv3=2, dw3=2)
    assert after['path_counts']['c2.1'] == dict(conv3=4, dw3=4)


def test_it_is_refused_with_another_sequence_of_paths(work_dir):
    with pytest.raises(ValueError, match='sampling seed 5'):
        make.run(config(), str(work_dir), make.END, resume=True, **{'custom_hooks.0.seed': 6})
