"""The command line prints the figures, writes its files and explains what is wrong."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from scipy.io import savemat

from mmbfbox.artifacts.evaluation_summary import EvaluationSummary
from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.evaluation.wider.io import write_wider_predictions
from tests.running_tools import run as run_tool


class Done(NamedTuple):
    """Like a process that has ended."""

    returncode: int
    stdout: str
    stderr: str


def run(*words: object, tool: str = 'evaluate') -> Done:
    """What a command line ends with and says."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            run_tool(tool, *words)
        except SystemExit as stop:
            status = int(stop.code or 0)
    return Done(status, out.getvalue(), err.getvalue())


def cells(*values: object) -> np.ndarray:
    """A MATLAB cell array."""
    array = np.empty((len(values), 1), dtype=object)
    for index, value in enumerate(values):
        array[index, 0] = value
    return array


@pytest.fixture(scope='module')
def wider(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mats of two images with one face each, and perfect predictions."""
    folder = tmp_path_factory.mktemp('wider')
    (folder / 'ground_truth').mkdir()
    common = {'event_list': cells('0--Parade'), 'file_list': cells(cells('a', 'b'))}
    faces = cells(np.array([[0, 0, 60, 60]]), np.array([[5, 5, 60, 60]]))
    for name in ('face', 'easy', 'medium', 'hard'):
        content = {**common, 'face_bbx_list': cells(faces), 'gt_list': cells(cells([[1]], [[1]]))}
        savemat(folder / f'ground_truth/wider_{name}_val.mat', content)
    rows = {'0--Parade/a': [[0, 0, 60, 60, 0.9]], '0--Parade/b': [[5, 5, 60, 60, 0.8]]}
    write_wider_predictions(
        folder / 'good', {name: np.array(row, dtype=float) for name, row in rows.items()}
    )
    write_wider_predictions(folder / 'half', {'0--Parade/a': np.array([[0, 0, 60, 60, 0.9]])})
    return folder


def test_json_is_all_that_is_printed(wider: Path) -> None:
    done = run('wider', wider / 'good', '--ground-truth', wider, '--json')
    assert json.loads(done.stdout) == {'easy': 1.0, 'medium': 1.0, 'hard': 1.0}
    assert (done.stderr, done.returncode) == ('', 0)


def test_files_tables_and_comparison(wider: Path, tmp_path: Path) -> None:
    compare = ('--compare', f'Half={wider / "half"}', '--out', tmp_path)
    done = run('wider', wider / 'good', '--ground-truth', wider / 'ground_truth', *compare)
    assert done.returncode == 0
    assert 'Half  0.5000  0.5000  0.5000' in done.stdout
    assert 'half: 1 images have no predictions' in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        'breakdown.csv',
        'summary.json',
        *(
            f'wider_{subset}.{kind}'
            for subset in ('easy', 'medium', 'hard')
            for kind in ('csv', 'png')
        ),
    }
    summary = EvaluationSummary.read(tmp_path / 'summary.json')
    assert summary.results['good']['hard'] == 1.0
    assert summary.settings['matlab_int'] is False
    # The lower of the two scores is normalised to 0, below the 0.5 at which misses are counted.
    assert (tmp_path / 'breakdown.csv').read_text().splitlines()[4] == 'height,40-80,2,1.0,1,0'


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (('good', '--ground-truth', 'nowhere'), 'nowhere/wider_face_val.mat is missing'),
        (('nowhere', '--ground-truth', '.'), 'nowhere is not a folder'),
        (('good/0--Parade', '--ground-truth', '.'), 'one level too high'),
        (('ground_truth', '--ground-truth', '.'), 'holds no predictions'),
        (('good', '--ground-truth', '.', '--compare', 'half'), 'NAME=PATH'),
        (('good', '--ground-truth', '.', '--compare', 'good=half'), 'only once'),
    ],
)
def test_user_errors_are_one_line(
    wider: Path, words: tuple, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(wider)
    done = run('wider', *words)
    assert done.returncode == 1
    assert done.stdout == ''
    assert done.stderr.startswith('error: ')
    assert message in done.stderr
    assert done.stderr.count('\n') == 1


def test_fddb_and_afw_report_the_reference_figures(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / 'fddb'
    detections = folder / 's3fd/fddb_s3fd_result.txt'
    done = run('fddb', detections, '--ground-truth', folder, '--json', '--out', tmp_path)
    result = json.loads(done.stdout)
    assert result == pytest.approx(
        {'discrete_tpr_at_1000': 0.968478, 'continuous_tpr_at_1000': 0.738887, 'faces': 5171},
        abs=1e-6,
    )
    official = (folder / 's3fd/fddb_s3fd_DiscROC.txt').read_text().splitlines()
    written = (tmp_path / 'DiscROC.txt').read_text().splitlines()
    assert len(written) == len(official)
    assert written[0] == official[0]
    folder = shared_data / 'afw_pascal'
    detections = folder / 'detections/AFW_DPM.txt'
    done = run('afw', detections, '--ground-truth', folder, '--out', tmp_path)
    assert 'AFW_DPM  0.9721                 0.9204' in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        'ContROC.txt',
        'DiscROC.txt',
        'afw.csv',
        'afw.png',
        'fddb_continuous.png',
        'fddb_discrete.png',
        'summary.json',
    }


def test_face_scales_tool(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / 'wider_annotations'
    done = run(
        folder / 'wider_face_val_bbx_gt.txt',
        '--image-sizes',
        folder / 'image_sizes.csv',
        '--out',
        tmp_path,
        tool='face_scales',
    )
    assert 'at 640: 69.6 % of the faces below 20 pixels' in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {'face_scales.csv', 'face_scales.png'}


def test_detectors_tested_at_different_scales_are_not_compared_silently(
    wider: Path, tmp_path: Path
) -> None:
    files = [wider / folder / 'test_settings.json' for folder in ('good', 'half')]
    TestSettings('original size').write(files[0])
    TestSettings('multi-scale', dict(preset='s3fd', vote_iou=0.3)).write(files[1])
    arguments = ['wider', wider / 'good', '--ground-truth', wider / 'ground_truth']
    told = run(*arguments)
    assert 'good: tested at original size' in told.stdout and not told.stderr
    compared = run(*arguments, '--compare', f'half={wider / "half"}')
    assert 'tested differently' in compared.stderr and 'half: multi-scale' in compared.stderr
    # Two multi-scale tests are two schemes, too.
    TestSettings('multi-scale', dict(preset='mogface', vote_iou=0.6)).write(files[0])
    compared = run(*arguments, '--compare', f'half={wider / "half"}', '--out', tmp_path)
    assert 'tested differently (good: multi-scale (mogface' in compared.stderr
    assert 'half: multi-scale (s3fd' in compared.stderr
    told = EvaluationSummary.read(tmp_path / 'summary.json').tested_at
    assert 'mogface' in told['good'] and 's3fd' in told['half']
    files[0].write_text('{')
    damaged = run(*arguments)
    assert 'test_settings.json is damaged' in damaged.stderr and not damaged.returncode
    for file in files:
        file.unlink()
