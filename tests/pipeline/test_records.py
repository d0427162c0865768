"""What a step was made from: old records, moved folders, files that only a config names."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mmbfbox.artifacts.step_record import StepRecord
from mmbfbox.errors import UserError
from mmbfbox.pipeline.inputs import inputs_of, settings_of
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.records import OLD_RECORD, check_record, record_of, write_record
from mmbfbox.reproduce.plan import Plan
from mmbfbox.reproduce.scales import SCALES
from mmbfbox.reproduce.tables import rows_of
from mmbfbox.utils.config import load_config

OLD = Path(__file__).parent / 'data'
"""Records of ``table7 --row intuitive --scale demo`` as the version before schemas wrote them."""


@pytest.fixture
def plan(tmp_path) -> Plan:
    """A plan with a supernet and two searches that the old version has finished."""
    plan = Plan(SCALES['demo'], tmp_path)
    plan.row(rows_of('table7', 'intuitive')[0], 0)
    for name in ('supernet', 'search_backbone', 'search_intuitive'):
        (plan.folder / 'seed0' / name / 'best').mkdir(parents=True)
    # The content whose hash the old records have.
    plan.steps['seed0/supernet'].done.write_text('checkpoint')
    (plan.folder / 'seed0/search_backbone/best/01.json').write_text('a backbone')
    for name in ('supernet', 'search_intuitive'):
        shutil.copy(OLD / f'reproduce_{name}.json', plan.folder / 'seed0' / name / OLD_RECORD)
    return plan


def test_results_with_an_old_record_go_on(plan):
    for name in ('seed0/supernet', 'seed0/search_intuitive'):
        check_record(plan.steps[name], plan)


def test_an_old_record_names_what_has_changed_since(plan):
    step = plan.steps['seed0/search_intuitive']
    plan.steps['seed0/supernet'].done.write_text('another checkpoint')
    with pytest.raises(UserError, match=r'another seed0/supernet/iter_750\.pth'):
        check_record(step, plan)
    plan.steps['seed0/supernet'].done.write_text('checkpoint')
    step.configs['search_intuitive'].search.seed = 3
    with pytest.raises(UserError, match=r'search\.seed \(then 0, now 3\)'):
        check_record(step, plan)


def test_an_input_that_an_old_record_lacks_must_not_be_newer_than_the_record(plan):
    step = plan.steps['seed0/search_intuitive']
    arch = plan.folder / 'seed0/search_backbone/best/01.json'
    later = (step.folder / OLD_RECORD).stat().st_mtime_ns + 10**9
    os.utime(arch, ns=(later, later))
    with pytest.raises(UserError, match='search_backbone/best/01.json than the one that is there'):
        check_record(step, plan)


def test_a_record_is_the_same_wherever_the_folders_lie(tmp_path):
    records = []
    for folder in (tmp_path / 'here', tmp_path / 'there' / 'again'):
        plan = Plan(SCALES['demo'], folder)
        plan.row(rows_of('table7', 'intuitive')[0], 0)
        step = plan.steps['seed0/search_intuitive']
        for path in step.inputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text('the same')
        records.append(record_of(step, plan))
        assert str(tmp_path) not in str(records[-1].settings) + str(records[-1].inputs)
    assert records[0].hash == records[1].hash
    assert 'seed0/search_backbone/best/01.json' in records[0].inputs
    assert '<data>/wider_face_split/wider_face_train_bbx_gt.txt' in records[0].inputs


def test_files_that_only_a_config_names_are_inputs(tmp_path, monkeypatch):
    """An arch to freeze, weights to start from, annotations of a second data set."""
    monkeypatch.chdir(tmp_path)
    config = load_config('paper/table7/bfbox_search_pyramid_wider_face')
    config.load_from = 'weights/start.pth'
    config.train_dataloader.dataset.update(data_root='other/', ann_file='train.txt')
    names = ['work_dirs/search_backbone/best/01.json', 'weights/start.pth', 'other/train.txt']
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text('')
    plan = Pipeline(tmp_path / 'work', tmp_path / 'data')
    step = plan.add_search('search', 'a.py', Path('s.pth'), 'best.md', configs={'search': config})
    assert set(inputs_of(step, plan)) == set(names)


def test_a_record_is_read_as_it_was_written_also_with_numbers_that_json_lacks(tmp_path):
    config = load_config('demo/bfbox_supernet_demo')
    config.model.train_cfg.assigner.spare = float('inf')
    plan = Pipeline(tmp_path / 'work', tmp_path / 'data')
    step = plan.add_training('supernet', 'a.py', 3, configs={'supernet': config})
    write_record(step, plan)
    assert StepRecord.read(step.folder / 'step.json') == record_of(step, plan)
    assert settings_of(step, plan)['configs']['supernet']['model']['train_cfg']['assigner'][
        'spare'
    ] == 'inf'  # fmt: skip
    check_record(step, plan)


def test_a_folder_without_a_record_is_refused(tmp_path):
    plan = Pipeline(tmp_path / 'work', tmp_path / 'data')
    step = plan.add_training('supernet', 'a.py', 3)
    step.folder.mkdir(parents=True)
    check_record(step, plan)
    (step.folder / 'last_checkpoint').write_text('iter_2.pth')
    with pytest.raises(UserError, match='without step.json, .* --redo'):
        check_record(step, plan)
