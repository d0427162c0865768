"""The demo's plan, its first steps for real, and what happens with another budget or an old work dir."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmbfbox.artifacts.step_record import StepRecord
from mmbfbox.artifacts.training_record import TrainingRecord
from mmbfbox.pipeline import run as running
from mmbfbox.pipeline.demo import BUDGETS, Budget, plan_demo
from mmbfbox.pipeline.inputs import inputs_of
from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.trainings import training_record
from mmbfbox.utils.config import find_config
from tests.running_tools import TOOLS, failure

TINY = Budget(iterations=2, candidates=2, images=(160, 4))


@pytest.fixture(scope='module')
def trained(tmp_path_factory) -> Pipeline:
    """The first two steps of the demo: its images, and two iterations of its supernet."""
    plan = plan_demo(tmp_path_factory.mktemp('demo') / 'work', budget=TINY)
    first = Pipeline(plan.folder, plan.data_root)
    for name in ('data', 'supernet'):
        first.add(plan.steps[name])
    # As processes of their own: a fork of this one, which has trained before, may wait for ever.
    running.run(first, TOOLS, log=plan.folder.parent / 'log')
    return first


@pytest.mark.parametrize('data', [None, Path('data/mini')])
def test_the_plan_is_the_whole_chain_over_configs_of_the_package(data):
    plan = plan_demo(Path('work'), data)
    # With data the search trains its finalists itself.
    names = ['supernet', 'search', 'best', 'final', 'final_test', 'baseline', 'baseline_test']
    if data:
        names = ['supernet', 'search', 'final_test', 'baseline_test']
    assert list(plan.steps) == ([] if data else ['data']) + names
    made = {path for step in plan.steps.values() for path in (step.done, *step.inputs)}
    for name in names:
        read = plan.steps[name].reads[0]
        assert Path(read) in made or find_config(read).is_file()


def test_finalists_of_a_demo_fit_its_budget():
    plan = plan_demo(Path('work'), Path('data/mini'), BUDGETS['small'], seed=5)
    search = plan.steps['search']
    assert {
        'search.finalists.best=3',
        'search.finalists.iterations=40',
        'search.finalists.seed=5',
        'search.finalists.repeats=[]',
    } <= set(search.arguments)
    # Both are tested as the search has trained them, and its table is written after them.
    for name, kind in (('final_test', 'candidate'), ('baseline_test', 'baseline')):
        folder = f'work/search/trained/{kind}'
        assert plan.steps[name].reads == (f'{folder}/config.py', f'{folder}/weights.pth')
    assert search.done == Path('work/search/finalists.md')


def test_another_seed_reaches_every_step_that_draws():
    plan = plan_demo(Path('work'), budget=BUDGETS['small'], seed=5)
    for name in ('supernet', 'final', 'baseline'):
        assert {'randomness.seed=5', 'train_cfg.max_iters=40'} <= set(plan.steps[name].arguments)
    assert 'search.seed=5' in plan.steps['search'].arguments
    assert plan.steps['data'] == plan_demo(Path('work'), budget=BUDGETS['small']).steps['data']


def test_steps_note_what_they_were_made_from(trained):
    folder = trained.folder / 'supernet'
    record = StepRecord.read(folder / 'step.json')
    assert record.command.startswith('python tools/train.py demo/bfbox_supernet_demo.py --work-dir')
    assert set(record.inputs) == {
        f'<data>/wider_face_split/wider_face_{split}_bbx_gt.txt' for split in ('train', 'val')
    }
    training = TrainingRecord.read(folder / 'training.json')
    assert (training.seed, training.iterations) == (0, 2)
    assert set(training.losses) == {'loss', 'loss_cls', 'loss_bbox'}
    assert training.losses['loss'] == pytest.approx(
        training.losses['loss_cls'] + training.losses['loss_bbox']
    )
    assert training.seconds > 0 and training.torch and training.device
    assert training == training_record(folder / 'iter_2.pth', trained)
    said = (trained.folder.parent / 'log').read_text()
    assert '=== 2/2 supernet: missing (1 done, 1 left, 0.' in said


def test_finished_steps_are_not_run_again(trained, monkeypatch):
    monkeypatch.setattr(running, 'call', lambda *_: pytest.fail('a command was run'))
    running.run(trained, TOOLS)


def test_another_budget_in_the_same_work_dir_is_refused(trained, capsys):
    said = failure(capsys, 'demo', '--work-dir', trained.folder, '--budget', 'small')
    assert 'data holds results of an older config' in said
    assert "--val 4', now '--out <data> --train 160 --val 40')" in said and '--redo' in said


def test_a_work_dir_of_an_older_version_is_one_sentence(capsys, tmp_path):
    """It has results and no records."""
    for step in plan_demo(tmp_path, budget=BUDGETS['small']).steps.values():
        step.done.parent.mkdir(parents=True, exist_ok=True)
        step.done.touch()
    said = failure(capsys, 'demo', '--work-dir', tmp_path, '--budget', 'small')
    assert 'data holds results without step.json' in said and 'another --work-dir' in said


def test_own_data_reach_every_step(tmp_path):
    """Their annotations are in the configs, so a step whose annotations change is made anew."""
    (tmp_path / 'annotations').mkdir()
    for split in ('train', 'val'):
        (tmp_path / f'annotations/{split}.json').touch()
    plan = plan_demo(Path('work'), tmp_path, face_category='head')
    for name in ('supernet', 'search'):
        step = plan.steps[name]
        assert ' '.join(step.arguments).find('--face-category head') >= 0
        config = next(iter(step.configs.values()))
        assert config.train_dataloader.dataset.type == 'CocoFaceDataset'
        assert str(tmp_path / 'annotations/train.json') in map(str, inputs_of(step, plan).values())
    final = plan.steps['search'].configs['final']
    assert final.train_dataloader.dataset.face_category == 'head'
