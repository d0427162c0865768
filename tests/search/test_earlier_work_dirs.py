"""Work dirs of before the search's keys and files were renamed: they resume and report."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.search import SearchFile
from mmbfbox.errors import UserError
from mmbfbox.search.report import write_report
from mmbfbox.search.storage.candidates import CandidatesFile, read_candidates
from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace
from tests.running_tools import failure, run
from tests.search.report.test_report import data_of

BEFORE = Path(__file__).resolve().parents[1] / 'data' / 'search_before'


def same(found: list[Candidate], expected: list[Candidate]) -> bool:
    """Whether two searches have the same candidates, with the same scores to a tenth of a point.

    Other processors round the last bits otherwise, which may exchange two boxes.
    """
    pairs = list(zip(found, sorted(expected, key=lambda one: one.index), strict=True))
    return all(
        (one.index, one.arch, one.stopped, one.error, one.costs)
        == (other.index, other.arch, other.stopped, other.error, other.costs)
        and one.scores == pytest.approx(other.scores, abs=1e-3)
        for one, other in pairs
    )


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    return Path(shutil.copytree(BEFORE / 'work_dir', tmp_path / 'work_dir'))


@pytest.fixture(autouse=True)
def notices() -> Iterator[list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter('always', FutureWarning)
        yield told


def arguments(work_dir: Path) -> list[object]:
    images = ['--data-root', BEFORE / 'images']
    return [BEFORE / 'config.py', BEFORE / 'supernet.pth', '--work-dir', work_dir, *images]


def test_a_stopped_search_of_before_goes_on_to_the_end_that_it_had_undisturbed(
    work_dir: Path, notices: list[warnings.WarningMessage]
) -> None:
    earlier = (work_dir / 'candidates.jsonl').read_bytes()
    run('search', *arguments(work_dir))
    undisturbed = CandidatesFile(BEFORE / 'undisturbed.jsonl').read()
    assert same(read_candidates(work_dir), undisturbed)
    file = work_dir / 'candidates.jsonl'
    assert file.read_bytes().startswith(earlier)
    assert len(file.read_text().splitlines()) == len(undisturbed) == 16
    told = [str(notice.message) for notice in notices if notice.category is FutureWarning]
    assert sorted(told) == [
        'the key search.limits is search.constraints now; use that name',
        'the key search.race is search.pruner now; use that name',
        'the key search.strategy is search.sampler now; use that name',
        "the sampler 'ageing' is 'regularized_evolution' now; use that name",
    ]
    best = json.loads((work_dir / 'best' / '01.json').read_text())
    assert best == json.loads((BEFORE / 'best_arch.json').read_text())
    # From now on it is a work dir of today, and nothing is left to score.
    assert json.loads((work_dir / 'search.json').read_text())['schema'] == SearchFile.SCHEMA
    done = file.read_bytes()
    run('search', *arguments(work_dir), '--cfg-options', 'search.scorer.type=fast')
    assert file.read_bytes() == done


def test_another_search_is_still_refused_in_a_work_dir_of_before(
    work_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (work_dir / 'search.json').read_bytes()
    for option, difference in (
        ('search.seed=1', 'seed (there 0, here 1)'),
        ('search.strategy.batch=4', 'sampler.batch (there 3, here 4)'),
        ('search.limits.detector_macs.max=4e6', 'constraints.detector_macs.max (there 3850000.0'),
        ('search.scorer.batch_size=2', 'scorer.batch_size (there 4, here 2)'),
        ('recalibration_dataloader.batch_size=2', 'scorer.recalibration_batch_size (there 4'),
        ('search.race=None', 'pruner.keep (there 2, here None)'),
    ):
        said = failure(capsys, 'search', *arguments(work_dir), '--cfg-options', option)
        assert f'differs in {difference}' in said
    assert (work_dir / 'search.json').read_bytes() == before


def test_a_report_of_a_work_dir_of_before_says_all_that_it_said(work_dir: Path) -> None:
    data = data_of(write_report(work_dir))
    assert data['index'] == sorted(data['index']) and len(data['index']) == 6
    assert data['ends']['stopped'] == 1 and data['wanted'] == 16
    file = 'images of wider_face_train_bbx_gt.txt'
    assert data['heldOut'] == f'10 {file}, not compared with the training images'
    assert data['recalibration'] == f'6 {file}, not compared with the training images'
    assert ['supernet', '3006f994256e'] in data['facts']
    # Its archs fit the space that the search named in a sentence.
    space = JointSpace(
        BackboneSpace(
            8, (16, 16, 16), (1, 1, 1), deep_choices=('conv3', 'dw3', 'dw5'),
            shallow_choices=('conv3', 'dw5', 'dw3_5', 'dw7'),
        ),
        FpnSpace((2, 3, 4), (2, 3)),
    )  # fmt: skip
    for path in (work_dir / 'archs').glob('*.json'):
        assert space.from_json(path.read_text(), path) in space


def test_a_search_of_a_newer_version_is_refused(work_dir: Path) -> None:
    file = work_dir / 'search.json'
    file.write_text(json.dumps(dict(schema=SearchFile.SCHEMA + 1)))
    with pytest.raises(UserError, match='of schema 4.*update mmbfbox'):
        write_report(work_dir)
