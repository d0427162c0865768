"""Running, resuming and writing tables, with commands that only leave their results."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest
import torch

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.pipeline import run as running
from mmbfbox.pipeline.inputs import settings_of
from mmbfbox.reproduce import report
from mmbfbox.reproduce.cost import Estimator
from mmbfbox.reproduce.plan import Plan
from mmbfbox.reproduce.scales import SCALES
from mmbfbox.reproduce.tables import SUBSETS, rows_of
from tests.running_tools import failure, run

TWO = ['table7', '--scale', 'demo', '--row', 'two_step']


class Commands:
    """Takes the place of ``call``: notes commands and makes what they would make."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.fails: Callable[[list[str]], bool] = lambda command: False

    def call(self, command: list[str], output: object, variables: object) -> int:
        self.calls.append(command[1:])
        tool = Path(command[1]).stem
        option = '--out' if tool in ('make_demo_data', 'face_scales') else '--work-dir'
        folder = Path(command[command.index(option) + 1])
        if self.fails(command):
            (folder / 'last_checkpoint').write_text(f'{folder}/iter_200.pth')
            return 1
        if tool == 'train':
            for iterations in (750, 400):
                meta = dict(cfg=f'work_dir = {str(folder)!r}', seed=0, iter=iterations)
                torch.save(dict(meta=meta, state_dict={}), folder / f'iter_{iterations}.pth')
            return 0
        seed = 1 if 'seed1' in str(folder) else 0
        metrics = Metrics({f'wider/{name}': 0.5 + 0.1 * seed for name in SUBSETS})
        for name, text in {
            'make_demo_data': {'ground_truth/wider_hard_val.mat': ''},
            'search': {
                'export/01/config.py': f'search {len(self.calls)}', 'export.md': '', 'best/01.json': '',
            },
            'test': {'metrics.json': metrics.to_json()},
        }[tool].items():  # fmt: skip
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
        return 0

    def tools(self) -> list[str]:
        return [Path(call[0]).stem for call in self.calls]


@pytest.fixture
def commands(monkeypatch, tmp_path) -> Iterator[Commands]:
    """Fake commands, no measuring, and an empty current folder."""
    fake = Commands()
    monkeypatch.setattr(running, 'call', fake.call)
    monkeypatch.setattr('mmbfbox.reproduce.cost.Estimator._measure', lambda *_: (1.0, 1e-9))
    monkeypatch.setattr(report, 'backbone_macs', lambda config: 40_000_000)
    monkeypatch.setattr(running, 'write_config', lambda path, config: path.parent.mkdir(
        parents=True, exist_ok=True) or path.write_text('# config\n'))  # fmt: skip
    monkeypatch.chdir(tmp_path)
    yield fake


def everything(folder: Path) -> dict[str, float]:
    return {str(path): path.stat().st_mtime_ns for path in [folder, *folder.rglob('*')]}


def test_a_dry_run_touches_nothing_and_names_every_command(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = everything(tmp_path)
    run('reproduce', *TWO, '--dry-run')
    run('reproduce', 'figure1', '--scale', 'demo', '--dry-run', '--row', 'b')
    said = capsys.readouterr().out
    assert everything(tmp_path) == before
    for tool in ('make_demo_data', 'train', 'search', 'test', 'face_scales'):
        assert f'python tools/{tool}.py' in said
    assert 'seed0/supernet_two_step, missing: 9,000 images' in said
    assert 'to do: 5 of 5 steps' in said
    monkeypatch.setattr('mmbfbox.reproduce.cost.Estimator._measure', lambda *_: (1.0, 1e-9))
    run('reproduce', 'table5', '--row', 'icb4', '--dry-run')
    said = capsys.readouterr().out
    assert 'note: data/WIDERFace has no folder' in said
    assert '4,200,000 images' in said and '7,000,000 images' in said and '2,240,000 images' in said
    assert everything(tmp_path) == before


def test_measuring_a_network_leaves_its_config_as_it_was(tmp_path):
    plan = Plan(SCALES['demo'], tmp_path)
    plan.row(rows_of('table7', 'two_step')[0], 0)
    step = plan.steps['seed0/supernet_two_step']
    before = settings_of(step, plan)
    cost = Estimator(plan).of([step])[step.name]
    assert cost.images == 9000 and cost.macs > 1e11 and cost.seconds > 1
    assert settings_of(step, plan) == before


def test_a_table_tells_paper_ours_spread_and_difference(commands, tmp_path, capsys):
    run('reproduce', *TWO[:3], '--seeds', 0, 1)
    folder = tmp_path / 'work_dirs' / 'reproduce' / 'demo'
    text = (folder / 'table7.md').read_text()
    assert '| Two-step search | 95.8 / 55.00 ± 7.07 (-40.8) |' in text
    assert '- / 0.040 ± 0.000' in text and "not with the paper's" in text
    assert 'python tools/reproduce.py table7 --scale demo --seeds 0 1 --row joint' in text
    with (folder / 'table7.csv').open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 3 * 4
    (hard,) = [row for row in rows if (row['row'], row['metric']) == ('joint', 'hard')]
    assert (hard['paper'], hard['ours'], hard['seeds']) == ('91.7000', '55.0000', '2')
    assert (hard['spread'], hard['difference']) == ('7.0711', '-36.7000')
    assert hard['config'] == 'paper/bfbox_supernet_wider_face, paper/bfbox_search_wider_face'
    assert len(hard['checkpoints'].split()) == 2
    done = len(commands.calls)
    run('reproduce', 'table8', '--scale', 'demo', '--seeds', 0, 1)
    # Of table 8 only the evolutionary search, its training and its test are new.
    assert commands.tools()[done:] == ['search', 'train', 'test'] * 2
    assert 'Random search' in (folder / 'table8.md').read_text()


def test_a_failed_or_killed_step_is_said_and_goes_on_from_there(commands, tmp_path, capsys):
    commands.fails = lambda command: 'supernet_two_step' in command[-1]
    said = failure(capsys, 'reproduce', *TWO)
    assert 'the step seed0/supernet_two_step failed' in said and 'goes on from there' in said
    commands.fails = lambda command: False
    run('reproduce', *TWO)
    assert 'supernet_two_step, half-finished, iter 200 of 750' in capsys.readouterr().out
    assert commands.tools() == ['make_demo_data', 'train', 'train', 'search', 'train', 'test']
    assert '--resume' in commands.calls[2] and '--resume' not in commands.calls[1]
    run('reproduce', *TWO)
    assert len(commands.calls) == 6


def test_two_runs_of_one_seed_are_kept_apart_and_other_seeds_run_beside_it(
    commands, tmp_path, capsys
):
    folder = tmp_path / 'work_dirs' / 'reproduce' / 'demo'
    folder.mkdir(parents=True)
    with (folder / '.seed0.lock').open('w') as lock:
        flock(lock.fileno(), LOCK_EX)
        assert 'another run is working on' in failure(capsys, 'reproduce', *TWO)
        run('reproduce', *TWO, '--seeds', 1)
    run('reproduce', *TWO)


def test_results_of_an_older_config_or_input_are_refused(commands, tmp_path, capsys):
    run('reproduce', *TWO)
    folder = tmp_path / 'work_dirs' / 'reproduce' / 'demo' / 'seed0'
    record = folder / 'supernet_two_step' / 'step.json'
    old = record.read_text()
    changed = json.loads(old)
    changed['settings']['configs']['supernet_two_step']['train_cfg']['max_iters'] = 44
    record.write_text(json.dumps(changed))
    for more in ([], ['--dry-run']):
        said = failure(capsys, 'reproduce', *TWO, *more)
        assert 'train_cfg.max_iters (then 44, now 750)' in said
        assert 'seed0/supernet_two_step holds' in said and '--redo' in said
    record.write_text(old)
    (folder / 'supernet_two_step' / 'iter_750.pth').write_text('trained anew')
    said = failure(capsys, 'reproduce', *TWO)
    assert (
        'seed0/search_two_step holds results of another seed0/supernet_two_step/iter_750.pth'
        in said
    )
    record.unlink()
    assert 'without step.json' in failure(capsys, 'reproduce', *TWO)
    record.write_text('{')
    assert 'is damaged' in failure(capsys, 'reproduce', *TWO)
    shutil.rmtree(folder)
    run('reproduce', *TWO)


INTUITIVE = ['table7', '--scale', 'demo', '--row', 'intuitive']


def test_what_is_made_from_an_arch_is_stale_when_the_search_finds_another_one(
    commands, tmp_path, capsys
):
    run('reproduce', *INTUITIVE)
    folder = tmp_path / 'work_dirs' / 'reproduce' / 'demo' / 'seed0'
    done = len(commands.calls)
    (folder / 'search_backbone' / 'best' / '01.json').write_text('another backbone')
    for more in ([], ['--dry-run']):
        said = failure(capsys, 'reproduce', *INTUITIVE, *more)
        assert 'seed0/search_intuitive holds results of another' in said
        assert 'seed0/search_backbone/best/01.json than the one that is there' in said
    assert len(commands.calls) == done
    capsys.readouterr()
    run('reproduce', *INTUITIVE, '--redo')
    said = capsys.readouterr().out
    assert 'seed0/search_intuitive, stale' in said and 'to do: 3 of 6 steps' in said
    assert 'export/01/config.py, which is made anew' in said
    assert commands.tools()[done:] == ['search', 'train', 'test']
    assert (folder / 'search_intuitive.stale1' / 'step.json').exists()
    run('reproduce', *INTUITIVE)
    assert len(commands.calls) == done + 3


def test_bad_input_ends_in_one_sentence(commands, tmp_path, capsys):
    cases = {
        ('table7', '--row', 'best'): "table7 has no row 'best'",
        ('figure1', '--row', 'd', '--scale', 'demo'): "figure1 has no row 'd'",
        ('table7',): 'data/WIDERFace has no folder',
        ('table7', '--scale', 'mini'): 'needs --data',
        ('table7', '--scale', 'demo', '--seeds', '1', '1'): '--seeds',
        ('figure5', '--scale', 'demo'): '--predictions NAME=DIR',
        ('figure4', '--predictions', 'ours=nowhere'): 'NAME=DIR with a folder that exists',
        ('figure4', '--predictions', f'ours={tmp_path}'): 'hold none of afw, pascal, fddb',
    }
    for arguments, sentence in cases.items():
        assert sentence in failure(capsys, 'reproduce', *arguments)
    assert not commands.calls and not list(tmp_path.iterdir())
