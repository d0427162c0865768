"""Damaged mat files are refused before the compiled reader sees them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from mmbfbox.errors import UserError
from mmbfbox.evaluation.face_eval.io import MATS, read_face_eval_annotations
from mmbfbox.evaluation.mat_structure import problem_of_mat

FUZZ = """
import io, random, sys
from pathlib import Path
from scipy.io import loadmat
from mmbfbox.evaluation.mat_structure import problem_of_mat
data = Path(sys.argv[1]).read_bytes()
refused = 0
for seed in range(400):
    draw = random.Random(seed)
    damaged = bytearray(data)
    for _ in range(draw.choice([1, 2, 5])):
        damaged[draw.randrange(128, len(damaged))] = draw.randrange(256)
    if draw.random() < 0.2:
        del damaged[draw.randrange(len(damaged)):]
    if problem_of_mat(bytes(damaged)):
        refused += 1
        continue
    try:
        loadmat(io.BytesIO(bytes(damaged)))
    except Exception:
        pass
print(refused)
"""


@pytest.fixture(scope='module')
def mat(tmp_path_factory) -> Path:
    """Annotations in the layout of the face-eval toolbox, uncompressed as the distributed ones."""
    record = np.zeros((1, 12), dtype=[('imgname', object), ('objects', object)])
    for index in range(12):
        boxes = np.random.default_rng(index).uniform(0, 90, (index % 4, 6))
        record[0, index] = (f'{index}.jpg', boxes)
    path = tmp_path_factory.mktemp('mats') / MATS['afw']
    savemat(path, {'Annotations': record})
    return path


def test_whole_files_have_no_problem(mat, tmp_path):
    assert problem_of_mat(mat.read_bytes()) is None
    for index, value in enumerate((1.5, 1 + 2j, 'text', np.zeros((0, 3)), np.int8([1, 2, 3]))):
        savemat(tmp_path / f'{index}.mat', {'x': value}, do_compression=index % 2 == 0)
        assert problem_of_mat((tmp_path / f'{index}.mat').read_bytes()) is None


def test_the_distributed_files_have_no_problem(shared_data):
    for path in sorted(shared_data.glob('*/*.mat')):
        assert problem_of_mat(path.read_bytes()) is None


def test_a_file_that_was_cut_off_or_changed_is_refused_by_name(mat, tmp_path):
    data = mat.read_bytes()
    for damaged in (data[:50], data[:1000], data[:136] + b'\xff' * 8 + data[144:], b'x' * 300):
        (tmp_path / mat.name).write_bytes(damaged)
        with pytest.raises(UserError, match=mat.name):
            read_face_eval_annotations(tmp_path, 'afw')


def test_no_damage_crashes_the_process(mat):
    done = subprocess.run([sys.executable, '-c', FUZZ, mat], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]
    assert int(done.stdout) > 100
