"""Training finalists: shared, stopped at any moment, lost, and for real on a search of an earlier version."""

from __future__ import annotations

import contextlib
import itertools
import json
import multiprocessing
import os
import random
import shutil
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from mmdet.registry import DATASETS, MODELS
from mmengine import Config

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.finalists import CANDIDATE, CONTROL, Finalist, FinalistsFile, network_folder
from mmbfbox.engine import load_checkpoint_file, load_weights, read_weights
from mmbfbox.errors import UserError
from mmbfbox.export import supernet_space
from mmbfbox.pipeline import finalist_training, finalists
from mmbfbox.pipeline import run as running
from mmbfbox.pipeline.finalist_training import one_device
from mmbfbox.pipeline.finalists import FinalistTrainer, claim
from mmbfbox.search import join_processes
from mmbfbox.search.distributed import Processes
from mmbfbox.search.finalists.findings import seed_noise
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.finalists.training import check_images, finalist_config
from mmbfbox.search.scoring.data import image_names
from mmbfbox.utils.config import load_config
from tests.chromium import Chromium
from tests.pipeline.fake_trainings import FakeTrainings
from tests.running_tools import TOOLS, failure, run
from tests.search.report.test_report import data_of

BEFORE = Path(__file__).resolve().parents[1] / 'data' / 'search_before'
SETTINGS = FinalistSettings(
    best=4, controls=2, rungs=(0.2, 0.5, 1), keep=(3, 2), repeats=(2, 2), iterations=10
)
FORK = multiprocessing.get_context('fork')


def config_in(work_dir: Path) -> Config:
    config = load_config(BEFORE / 'config.py')
    config.work_dir, config.final_config = str(work_dir), 'demo/bfbox_subnet_demo.py'
    return config


def file_of(config: Config) -> FinalistsFile:
    """Four candidates and two controls of the search's space."""
    space = supernet_space(config.model)
    costs = dict(detector_macs=1_000_000)
    networks = [
        Finalist(f'{kind}-{index:04d}', kind, space.sample(0, index), index, dict(hard=0.1), costs)
        for index, kind in enumerate([CANDIDATE] * 4 + [CONTROL] * 2)
    ]
    how = 'hard', 'f00', 'running', 'final.py'
    return FinalistsFile(tuple(networks), [2, 5, 10], [3, 2], *how, repeats=[2, 2])


@pytest.fixture(autouse=True)
def short_configs(request, monkeypatch) -> None:
    """Fake trainings need no config but the number of iterations."""
    if 'finished' not in request.fixturenames and 'capsys' not in request.fixturenames:
        monkeypatch.setattr(finalist_training, 'finalist_config', short_config)


def short_config(config: Config, settings: FinalistSettings, network: Finalist) -> Config:
    shown = dict(arch=str(network.arch), seed=settings.seed)
    return Config(dict(train_cfg=dict(max_iters=0), data_root='data', **shown))


def trainer(
    work_dir: Path, processes: Processes | None = None, at_once: int = 1
) -> FinalistTrainer:
    config, settings = config_in(work_dir), replace(SETTINGS, at_once=at_once)
    made = FinalistTrainer(config, settings, processes or Processes(), TOOLS, say=lambda text: None)
    made.begin(lambda: file_of(config))
    return made


def outcome(standings: Standings | None) -> dict[str, Any]:
    """Everything that does not depend on when and where it was trained."""
    assert standings is not None
    return {
        'winner': standings.winner and standings.winner.name,
        'rounds': [
            {
                name: (one.error, one.record and (one.record.scores, one.record.loss, one.record.crops))
                for name, one in results.items()
            }
            for results in standings.results
        ],
    }  # fmt: skip


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory) -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        fake = FakeTrainings()
        patch.setattr(running, 'call', fake)
        patch.setattr(finalist_training, 'finalist_config', short_config)
        found = outcome(trainer(tmp_path_factory.mktemp('undisturbed'))())
    assert [len(results) for results in found['rounds']] == [6, 3, 2, 2, 2]
    assert len(fake.done) == len(set(fake.done)) == 2 * 15
    # Later rungs go on from the checkpoints of those before.
    ends = [(Path(path).parent.name, Path(path).name) for path in fake.resumed]
    assert ends == [('rung1', 'iter_2.pth')] * 3 + [('rung2', 'iter_5.pth')] * 2
    return found


@pytest.mark.parametrize('at_once', [1, 3])
def test_stopped_at_random_moments_nothing_is_trained_twice_and_the_end_is_the_same(
    undisturbed, tmp_path, monkeypatch, at_once
):
    moments, done = random.Random(1), []

    def stop(name: str) -> None:
        if moments.random() < 0.3:
            raise KeyboardInterrupt

    stops = 0
    while True:
        fake = FakeTrainings(stop, stop)
        monkeypatch.setattr(running, 'call', fake)
        try:
            found = trainer(tmp_path, at_once=at_once)()
            break
        except KeyboardInterrupt:
            stops += 1
        finally:
            done += fake.done
    assert stops > 3
    assert len(done) == len(set(done)) == 30
    assert outcome(found) == undisturbed


def test_a_process_may_train_several_side_by_side(undisturbed, tmp_path, monkeypatch):
    """They wait for each other here, so this ends only if three run at the same time."""
    meeting = threading.Barrier(3, timeout=60)

    def begin(name: str) -> None:
        if name.endswith('rung1'):
            meeting.wait()

    fake = FakeTrainings(begin)
    monkeypatch.setattr(running, 'call', fake)
    found = trainer(tmp_path, at_once=3)()
    assert len(fake.done) == len(set(fake.done)) == 30
    assert outcome(found) == undisturbed


def test_after_a_failure_side_by_side_what_runs_comes_to_its_end_and_nothing_begins(
    tmp_path, monkeypatch
):
    failed, begun, number = threading.Event(), list[str](), itertools.count()

    def begin(name: str) -> None:
        begun.append(name)
        if next(number) == 0:
            failed.set()
            raise UserError('the disk is full')
        failed.wait(60)

    monkeypatch.setattr(running, 'call', FakeTrainings(begin))
    with pytest.raises(UserError, match='the disk is full'):
        trainer(tmp_path, at_once=2)()
    # Training and test of the second one, or a beginning that was on its way.
    assert len({name.split('/')[0] for name in begun}) <= 3
    found = Standings.read(tmp_path)
    assert sum(len(results) for results in found.results) == len(
        {name.split('/')[0] for name in begun[1:]}
    )


def test_trainings_side_by_side_divide_the_cores(monkeypatch):
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    monkeypatch.setattr(finalist_training, 'usable_cores', lambda: 8)
    assert [one_device('cpu', number) for number in (1, 2, 3, 9)] == [
        {},
        {'OMP_NUM_THREADS': '4'},
        {'OMP_NUM_THREADS': '2'},
        {'OMP_NUM_THREADS': '1'},
    ]
    monkeypatch.setenv('OMP_NUM_THREADS', '3')
    assert one_device('cpu', 2) == {}, 'the user has said how many'


def process(work_dir: Path, rank: int, port: int) -> None:
    """One of two processes."""
    os.environ.update(RANK=str(rank), WORLD_SIZE='2', MASTER_PORT=str(port))
    os.environ['MASTER_ADDR'] = '127.0.0.1'
    joined = join_processes('pytorch')
    running.call = fake = FakeTrainings()
    with joined.working():
        found = trainer(work_dir, joined)()
    (work_dir / f'done{rank}').write_text(' '.join(fake.done))
    if found is not None:
        (work_dir / f'end{rank}').touch()


def test_two_processes_share_the_trainings_and_one_of_them_ends(undisturbed, tmp_path):
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    processes = [FORK.Process(target=process, args=(tmp_path, rank, port)) for rank in range(2)]
    for one in processes:
        one.start()
    for one in processes:
        one.join(120)
        assert one.exitcode == 0
    done = [(tmp_path / f'done{rank}').read_text().split() for rank in range(2)]
    assert len({*done[0], *done[1]}) == len(done[0]) + len(done[1]) == 30 and all(done)
    assert len(list(tmp_path.glob('end*'))) == 1
    assert outcome(Standings.read(tmp_path)) == undisturbed


def test_a_training_that_diverges_loses_with_its_reason_and_the_rest_goes_on(
    undisturbed, tmp_path, monkeypatch
):
    best = undisturbed['winner']
    fake = FakeTrainings(diverges=lambda name: name == f'{best}/rung2')
    monkeypatch.setattr(running, 'call', fake)
    standings = trainer(tmp_path)()
    assert standings.winner.name not in (None, best)
    assert standings.error_of(best) == 'the loss is not finite at iteration 1'
    assert [len(results) for results in standings.results] == [6, 3, 2, 2, 2]
    # It stays lost.
    monkeypatch.setattr(running, 'call', lambda *_: pytest.fail('a command was run'))
    assert outcome(trainer(tmp_path)()) == outcome(standings)


def test_the_mean_over_the_seeds_decides_between_networks_that_are_repeated(tmp_path, monkeypatch):
    scores = {'rung3': (0.5, 0.4), 'repeat1': (0.3, 0.42), 'repeat2': (0.4, 0.41)}
    best, second = 'candidate-0001', 'candidate-0003'

    def score(name: str) -> float:
        network, of_round = name.split('/')[0], name.split('/')[1].removesuffix('_test')
        if network not in (best, second):
            return 0.1
        return scores.get(of_round, (0.2, 0.2))[network == second]

    monkeypatch.setattr(running, 'call', FakeTrainings(score=score))
    standings = trainer(tmp_path)()
    # Ahead after the first seed, behind after the others.
    assert [network.name for network in standings.order()][:2] == [second, best]
    assert standings.winner.name == second
    assert [o[best].score for o in standings.outcomes[2:]] == pytest.approx([0.5, 0.4, 0.4])
    assert [o[second].score for o in standings.outcomes[2:]] == pytest.approx([0.4, 0.41, 0.41])
    noise = seed_noise(standings)
    assert (noise.networks, noise.trainings) == (2, 6)
    assert noise.deviation == pytest.approx(((0.02 + 0.0002) / 4) ** 0.5)
    configs = (tmp_path / 'finalists' / best).glob('r*.py')
    seeds = {path.stem: Config.fromfile(path).seed for path in configs}
    assert seeds == dict(rung1=0, rung2=0, rung3=0, repeat1=1, repeat2=2)
    # Each whole training is paid for once.
    crops = [record.crops for record in standings.trainings_of(best).values()]
    assert crops == [20, 20, 20] and standings.costs()[0] == 6 * 20 + 10 + 3 * 4


@pytest.mark.parametrize(('of_round', 'number'), [('rung1', 6), ('rung3', 2), ('repeat2', 2)])
def test_a_round_without_survivors_is_one_sentence(of_round, number, tmp_path, monkeypatch):
    fake = FakeTrainings(diverges=lambda name: name.endswith(f'/{of_round}'))
    monkeypatch.setattr(running, 'call', fake)
    said = f'{of_round} has no survivors: all {number} trainings were lost, .* not finite'
    with pytest.raises(UserError, match=said):
        trainer(tmp_path)()


def test_a_failure_that_is_not_the_networks_stops_all_and_the_same_command_goes_on(
    undisturbed, tmp_path, monkeypatch
):
    monkeypatch.setattr(running, 'call', lambda *_: 1)
    with pytest.raises(UserError, match='the step rung1 failed'):
        trainer(tmp_path)()
    monkeypatch.setattr(running, 'call', FakeTrainings())
    assert outcome(trainer(tmp_path)()) == undisturbed


def test_each_training_tells_how_long_the_rest_will_take(tmp_path, monkeypatch):
    monkeypatch.setattr(running, 'call', FakeTrainings())
    config, told = config_in(tmp_path), []
    made = FinalistTrainer(config, SETTINGS, Processes(), TOOLS, say=told.append)
    made.begin(lambda: file_of(config))
    made()
    assert len(told) == 15 and told[0].startswith('rung1 (2 iterations, seed 0): candidate-0000, ')
    assert 'repeat2 (10 iterations, seed 2): ' in told[-1] and told[-1].endswith(
        'about 0 min left)'
    )
    file = file_of(config)
    # 6 networks of 2 iterations, 3 of 3 more, 2 of 5 more, 2 of 10 and 2 of 10.
    assert [file.steps_of(number) for number in range(1, 6)] == [2, 3, 5, 10, 10]
    assert file.steps_left(1, 0) == 12 + 9 + 10 + 20 + 20 and file.steps_left(1, 1) == 69
    assert file.steps_left(4, 2) == 20 and file.steps_left(5, 2) == 0


def test_the_time_left_does_not_count_what_was_trained_before_the_command(tmp_path, monkeypatch):
    """A minute each: by a clock that only trainings move."""
    now = [0.0]
    monkeypatch.setattr(finalists.time, 'perf_counter', lambda: now[0])

    def begin(name: str) -> None:
        now[0] += 0 if name.endswith('_test') else 60

    config, settings, told = config_in(tmp_path), replace(SETTINGS, repeats=()), []
    file = replace(file_of(config), rungs=[10], keep=[], repeats=[])
    made = FinalistTrainer(config, settings, Processes(), TOOLS, say=told.append)
    made.begin(lambda: file)
    monkeypatch.setattr(running, 'call', FakeTrainings(begin))
    made()
    assert [text.split('about ')[1] for text in told] == [
        f'{left} min left)' for left in range(5, -1, -1)
    ]
    # All but the first two are done already.
    for network in file.networks[:2]:
        shutil.rmtree(network_folder(tmp_path, network.name))
    told.clear()
    made = FinalistTrainer(config, settings, Processes(), TOOLS, say=told.append)
    made.begin(lambda: file)
    made()
    assert [text.split('about ')[1] for text in told] == ['1 min left)', '0 min left)']


def test_results_of_other_trainings_are_refused_and_other_networks_are_not(tmp_path):
    config = config_in(tmp_path)
    file = file_of(config)
    claim(tmp_path, file)
    with pytest.raises(UserError, match=r'trained otherwise: rungs \(there \[2, 5, 10\]'):
        claim(tmp_path, FinalistsFile(**{**vars(file), 'rungs': [3, 5, 10]}))
    # Nor are further seeds.
    fewer = dict(networks=file.networks[:5], repeats=[2, 1, 1])
    claim(tmp_path, FinalistsFile(**{**vars(file), **fewer}))
    assert len(FinalistsFile.read(tmp_path / 'finalists' / 'finalists.json').networks) == 5


def test_a_process_gives_its_own_gpu_to_its_trainings(monkeypatch):
    assert one_device('cpu') == {}
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    assert one_device('cuda:2')['CUDA_VISIBLE_DEVICES'] == '2'
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '4,6')
    assert one_device('cuda:1')['CUDA_VISIBLE_DEVICES'] == '6'


def test_finalists_are_not_trained_on_the_images_that_they_are_scored_on(tmp_path):
    config = config_in(tmp_path)
    config = Config.fromstring(
        config.pretty_text.replace('data/WIDERFace/', f'{BEFORE / "images"}/'), '.py'
    )
    scored = set(image_names(DATASETS.build(config.held_out_dataloader.dataset)))
    network = file_of(config).networks[0]
    trained = finalist_config(config, SETTINGS, network)
    assert len(scored) == 10
    check_images(trained, scored)
    assert image_names(DATASETS.build(trained.test_dataloader.dataset)) == image_names(
        DATASETS.build(config.held_out_dataloader.dataset)
    )
    trained.train_dataloader.dataset.part = None
    with pytest.raises(UserError, match='10 of the 10 images that finalists are scored on'):
        check_images(trained, scored)


# For real


def in_process(command: list[str], output: Any, variables: Any = None) -> int:
    """A command of ours in this process, which has torch loaded already.

    Not in a fork: autograd's threads, which earlier tests have started, would be missing there.
    """
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            run(Path(command[1]).stem, *command[2:])
        except SystemExit as stop:
            return int(stop.code or 0)
    return 0


SHORT = {'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': False}
FINALISTS = dict(
    best=2, controls=1, baseline='demo/retinanet_r18_fpn_demo.py', rungs=[0.5, 1], keep=[2], repeats=[1],
    iterations=4, options={**SHORT, 'train_dataloader.batch_size': 2}, stored_gigabytes=1,
)  # fmt: skip


def search(folder: Path, **finalists: Any) -> list[object]:
    """The arguments of a search that has all its candidates, with finalists."""
    folder.mkdir(exist_ok=True)
    if not (folder / 'search').exists():
        shutil.copytree(BEFORE / 'work_dir', folder / 'search')
        shutil.copy(BEFORE / 'undisturbed.jsonl', folder / 'search' / 'candidates.jsonl')
    changed = {**FINALISTS, **finalists}
    (folder / 'config.py').write_text(
        f'_base_ = {str(BEFORE / "config.py")!r}\n'
        f"final_config = 'demo/bfbox_subnet_demo.py'\nsearch = dict(finalists={changed!r})\n"
    )
    return [
        folder / 'config.py', BEFORE / 'supernet.pth', '--work-dir', folder / 'search',
        '--data-root', BEFORE / 'images',
    ]  # fmt: skip


@pytest.fixture(scope='module')
def finished(tmp_path_factory) -> Iterator[Path]:
    """The folder of a search whose finalists have been trained."""
    folder = tmp_path_factory.mktemp('finished')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, 'call', in_process)
        run('search', *search(folder))
    yield folder


@pytest.mark.filterwarnings('ignore::FutureWarning')
def test_a_search_ends_with_finalists_and_their_report(finished, monkeypatch, capsys):
    work_dir = finished / 'search'
    standings = Standings.read(work_dir)
    kinds = [network.kind for network in standings.file.networks]
    assert kinds == ['candidate', 'candidate', 'control', 'baseline']
    best = [network.candidate for network in standings.file.networks[:2]]
    assert best == [c.index for c in ranked(work_dir)[:2]]
    assert [len(results) for results in standings.results] == [4, 2, 1]
    names = [network.name for network in standings.order()]
    table = (work_dir / 'finalists.md').read_text()
    assert [line.split(' | ')[0][2:] for line in table.splitlines()[2:6]] == names
    assert f'The winner is {names[0]}' in table and 'Over the controls' in table
    # 4 networks of 2 iterations, 2 of 2 more and 1 of 4 with another seed, 2 images each.
    assert 'took 32 images' in table
    first, second = standings.trainings_of(names[0]).values()
    assert (first.training.seed, second.training.seed) == (0, 1)
    assert first.training.losses != second.training.losses
    assert 'in the mean of 2 trainings' in table
    assert (
        'with different seeds differ by' in table
        and '(standard deviation; 2 trainings of 1 ' in table
    )
    shown = data_of(work_dir / 'search_report.html')['finalists']
    assert [network['name'] for network in shown['networks']] == names
    assert shown['winner'] == names[0] and shown['rungs'] == [2, 4] and shown['repeats'] == 1
    means = [network['mean'] is not None for network in shown['networks']]
    assert means == [True, True, False, False]
    # Nothing of one training is in the record of another.
    assert [network['curve'][-1][0] for network in shown['networks']] == [4, 4, 2, 2]
    assert (work_dir / 'finalists.png').read_bytes()[:4] == b'\x89PNG'
    assert not (work_dir / 'finalists' / 'crops').exists()
    monkeypatch.setattr(running, 'call', lambda *_: pytest.fail('a command was run'))
    run('search', *search(finished))
    assert (work_dir / 'finalists.md').read_text() == table
    said = failure(capsys, 'search', *search(finished, iterations=6))
    assert 'finalists that were trained otherwise: rungs (there [2, 4], here [3, 6])' in said


@pytest.mark.parametrize('width', [1280, 390])
def test_the_page_shows_each_round_and_the_mean_over_the_seeds(finished, width):
    with Chromium() as page:
        page.look_like(width, 900)
        page.open((finished / 'search' / 'search_report.html').as_uri())
        cells = "[...document.querySelectorAll('#rungs {}')].map((cell) => cell.textContent)"
        heads = page.evaluate(cells.format('th'))
        assert heads[2:] == [
            'one-shot hard', 'hard at 2', 'loss', 'hard at 4', 'loss', 'hard, repeat 1', 'loss',
            'mean hard', 'detector MACs',
        ]  # fmt: skip
        first = page.evaluate(cells.format('tbody tr:first-child td'))
        at_rung, repeated, mean = (float(first[place]) for place in (5, 7, 9))
        assert mean == pytest.approx((at_rung + repeated) / 2, abs=0.011)
        second = page.evaluate(cells.format('tbody tr:nth-child(2) td'))
        assert (second[7], second[9]) == ('', second[5])
        # Curves are those of the first seed.
        knots = "document.querySelector('#rung-plot .winner').getAttribute('d')"
        assert page.evaluate(knots).count('L') == 1
        wide = page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
        assert page.faults == [] and wide <= 0


def ranked(work_dir: Path) -> list[Candidate]:
    lines = (work_dir / 'candidates.jsonl').read_text().splitlines()
    found = [Candidate.from_json(line, 'a line') for line in lines]
    complete = [candidate for candidate in found if candidate.complete]
    return sorted(complete, key=lambda candidate: -candidate.scores['hard'])


def test_the_winner_is_a_config_and_weights_that_fit_each_other(finished):
    final = finished / 'search' / 'final'
    winner = Standings.read(finished / 'search').winner
    config = load_config(final / 'config.py')
    assert config.train_dataloader.dataset.part is None
    assert (
        config.train_cfg.max_iters == load_config('demo/bfbox_subnet_demo.py').train_cfg.max_iters
    )
    weights = read_weights(final / 'weights.pth')
    assert weights.kind == 'ema'
    load_weights(MODELS.build(config.model), weights.state, 'the winner')
    if winner.arch is not None:
        arch = json.loads((final / 'arch.json').read_text())
        assert arch['stages'] == winner.arch.to_dict()['stages']


def test_the_best_of_each_kind_is_there_as_it_was_trained(finished):
    """The baseline only if it came to the end."""
    work_dir = finished / 'search'
    standings = Standings.read(work_dir)
    whole = [n for n in standings.order() if 'rung2' in standings.records_of(n.name)]
    kinds = list(dict.fromkeys(network.kind for network in whole))
    assert sorted(path.name for path in (work_dir / 'trained').iterdir()) == sorted(kinds)
    for kind in kinds:
        best = next(network for network in whole if network.kind == kind)
        config = load_config(work_dir / 'trained' / kind / 'config.py')
        weights = read_weights(work_dir / 'trained' / kind / 'weights.pth')
        load_weights(MODELS.build(config.model), weights.state, kind)
        folder = work_dir / 'finalists' / best.name / standings.best_training_of(best.name)
        trained = read_weights(folder / 'iter_4.pth').state
        assert all(torch.equal(value, trained[name]) for name, value in weights.state.items())


def test_a_training_in_rungs_is_the_training_in_one_go(finished, tmp_path):
    """To the last bit: weights, their average, and what the optimizer remembers; crops are rendered anew."""
    winner = Standings.read(finished / 'search').winner
    folder = finished / 'search' / 'finalists' / winner.name
    run('train', folder / 'rung2.py', '--work-dir', tmp_path)
    parts, whole = (
        load_checkpoint_file(path / 'iter_4.pth') for path in (folder / 'rung2', tmp_path)
    )
    for key in ('state_dict', 'ema_state_dict'):
        for name, value in whole[key].items():
            assert torch.equal(value, parts[key][name]), name
    steps = [content['param_schedulers'][-1]['last_step'] for content in (parts, whole)]
    assert steps[0] == steps[1]


@pytest.mark.filterwarnings('ignore::FutureWarning')
def test_a_training_that_diverges_is_told_by_its_own_sentence(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(running, 'call', in_process)
    wild = {**FINALISTS['options'], 'optim_wrapper.optimizer.lr': 1e30, 'param_scheduler': None}
    settings = dict(best=1, controls=1, baseline=None, keep=[1], repeats=[], options=wild)
    said = failure(capsys, 'search', *search(tmp_path, **settings))
    assert 'rung1 has no survivors: all 2 trainings were lost, candidate-' in said
    assert 'because the loss is not finite at iteration' in said


@pytest.mark.filterwarnings('ignore::FutureWarning')
def test_bad_finalists_are_refused_before_anything_is_scored(tmp_path, capsys):
    cases = {
        'finalists.best is 0': dict(best=0),
        'best is 17, and there are 16 candidates': dict(best=17),
        'there is no config nothing.py': dict(baseline='nothing.py'),
        'no model': dict(baseline='demo/bfbox_subnet_demo.py'),
        'too short for the rungs 0, 1': dict(iterations=1),
    }
    for sentence, settings in cases.items():
        assert sentence in failure(capsys, 'search', *search(tmp_path, **settings))
    said = failure(capsys, 'search', *search(tmp_path, best=1, controls=1000, keep=[1], repeats=[]))
    assert 'controls is 1000, and beside the 1 best candidates the constraints leave' in said
