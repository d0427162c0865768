"""The pool's networks are a pure function of a seed, and its records are made, read and refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.common import recorded_runs
from benchmarks.common.pool import FINAL, Pool, read_pool
from benchmarks.common.pool_records import PoolRecords
from benchmarks.common.pool_scores import PoolScores, fingerprint_of
from benchmarks.common.recorded_runs import RecordedRuns
from benchmarks.pool.score import read_or_begin
from benchmarks.pool.train import parse
from mmbfbox.artifacts.training_record import TrainingRecord
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.errors import UserError
from mmbfbox.pipeline.trainings import TRAINING_RECORD
from tests.running_tools import run

SHORT = {
    'train_cfg.max_iters': 2,
    'train_dataloader.batch_size': 2,
    'train_dataloader.num_workers': 0,
    'train_dataloader.persistent_workers': False,
    'param_scheduler.LinearLR.end': 1,
    'param_scheduler.CosineAnnealingLR.begin': 1,
    'param_scheduler.CosineAnnealingLR.T_max': 1,
    'param_scheduler.CosineAnnealingLR.end': 2,
    'val_cfg': None,
    'val_dataloader': None,
    'val_evaluator': None,
    'test_dataloader.num_workers': 0,
    'test_dataloader.persistent_workers': False,
}


@pytest.fixture(scope='module')
def pool() -> Pool:
    return read_pool()


def test_the_networks_are_twelve_backbones_with_four_topologies_in_the_band(pool: Pool) -> None:
    members = pool.members
    assert len({member.name for member in members}) == len({m.arch for m in members}) == 48
    for key in ('stages', 'merges'):
        assert len({getattr(m.arch, key) for m in members}) == dict(stages=12, merges=4)[key]
    low, high = pool.macs
    assert high == 5.08e8 and high / low == pytest.approx(1.05 / 0.95)
    assert all(low <= member.macs <= high for member in members)
    assert read_pool().members == members
    assert str(members[0].arch) != str(read_pool(seed=1).members[0].arch)


def test_networks_of_the_records_stay_what_they_are(pool: Pool) -> None:
    assert str(pool.member('b03-m2').arch).splitlines() == [
        'c2: basic3 conv3e50',
        'c3: conv3e50 basic3e50 conv3e50',
        'c4: basic3e50 basic3 conv3e50',
        'c5: basic3e150 skip',
        'p4 = c4 + c3',
        'p5 = c5 + p4',
        'p3 = c3 + p5',
    ]


def test_the_pilot_comes_first_and_every_network_is_trained(pool: Pool) -> None:
    jobs = list(pool.jobs())
    pilot = jobs[:12]
    assert len({m.name for m, _ in pilot}) == 4 and {seed for _, seed in pilot} == {0, 1, 2}
    assert len({m.backbone for m, _ in pilot}) == len({m.topology for m, _ in pilot}) == 4
    assert len(jobs) == len(set(jobs)) == 48 + 12 + 4
    assert {m.backbone for m, seed in jobs if seed == 1} == set(range(12))


def test_a_band_that_the_space_does_not_fill_is_one_sentence() -> None:
    with pytest.raises(UserError, match=r'have \d backbones of 508 to 508 M .* widen the band'):
        _ = read_pool(band=1e-6).members
    with pytest.raises(UserError, match='50 topologies, the pool needs 12 and 51'):
        _ = read_pool(topologies=51).members


def test_a_network_that_is_not_there_is_named(pool: Pool) -> None:
    assert parse(pool, 'b03-m2-seed1') == (pool.member('b03-m2'), 1)
    with pytest.raises(UserError, match="no network 'b12-m0'; they are b00-m0 to b11-m3"):
        parse(pool, 'b12-m0-seed0')
    with pytest.raises(UserError, match='write it like b03-m3-seed0'):
        parse(pool, 'b03')


@pytest.fixture(scope='module')
def made(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> PoolRecords:
    """The record of a training of two steps, made by the real tools, and the same as another seed's."""
    folder = tmp_path_factory.mktemp('pool')
    make_demo_data(folder / 'data', seed=0, train=12, val=4, size=128)

    def call(command: list[str], *_: object) -> int:
        run(Path(command[1]).stem, *command[2:])
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr('mmbfbox.pipeline.run.call', call)
        patch.setattr(recorded_runs, 'RECORDS', folder / 'records')
        runs = RecordedRuns('pool', FINAL, folder / 'data', folder / 'work')
        records = PoolRecords(pool, runs, SHORT)
        record = records.make(pool.members[0], 0)
        again = replace(record, training=replace(record.training, seed=1))
        again.write(records.path(pool.members[0], 1))
        yield records


def test_a_record_tells_the_network_how_it_was_trained_and_what_it_reaches(
    pool: Pool, made: PoolRecords
) -> None:
    (member,) = found = made.all_seeds()
    record = found[member][0]
    assert record.name == 'b00-m0' and record.arch == str(member.arch)
    assert (record.crops, record.training.seed, record.training.iterations) == (4, 0, 2)
    assert set(record.scores) == {'easy', 'medium', 'hard'} and record.loss > 0
    assert record.training.torch and record.training.device and record.training.version
    assert len(record.recipe or '') == 12


def test_a_record_tells_the_device_that_trained_unless_the_note_of_it_is_anothers(
    pool: Pool, made: PoolRecords
) -> None:
    job = made.job(pool.members[0], 0)
    path = made.runs.training(*job)[1].folder / TRAINING_RECORD
    written = TrainingRecord.read(path)
    for losses, device in ((written.losses, 'a GPU'), ({'loss': 9.0}, written.device)):
        replace(written, device='a GPU', losses=losses).write(path)
        assert made.make(pool.members[0], 0).training.device == device
    written.write(path)


def test_records_of_other_settings_or_networks_and_damaged_ones_are_one_sentence(
    pool: Pool, made: PoolRecords
) -> None:
    member = pool.members[0]
    other = PoolRecords(pool, made.runs, {**SHORT, 'optim_wrapper.optimizer.lr': 1.0})
    with pytest.raises(UserError, match='by other settings .* makes it anew'):
        other.read(member, 0)
    # What does not decide the result is no other setting.
    same = PoolRecords(pool, made.runs, {**SHORT, 'train_dataloader.num_workers': 1})
    assert same.read(member, 0)
    path, text = made.path(member, 0), made.path(member, 0).read_text()
    wrong = {**json.loads(text), 'arch': 'c2: conv3'}
    for content, sentence in ((json.dumps(wrong), 'of another network'), ('{', 'is damaged')):
        path.write_text(content)
        with pytest.raises(UserError, match=sentence):
            made.all_seeds()
    path.write_text(text)


def test_scores_of_two_supernets_are_never_mixed(tmp_path: Path) -> None:
    weights = dict(a=torch.zeros(3), b=torch.ones(2))
    mark = fingerprint_of(weights)
    assert mark == fingerprint_of(dict(reversed(weights.items())))
    assert mark != fingerprint_of(dict(weights, a=torch.tensor([0.0, 0.0, 1e-6])))
    begun = PoolScores('small', 100, 'raw', fingerprint=mark)
    path = tmp_path / 'crops100-raw.json'
    assert read_or_begin(path, begun) is begun
    begun.scores['crops'] = {'an arch': dict(medium=0.5)}
    begun.write(path)
    assert read_or_begin(path, PoolScores('small', 100, 'raw', fingerprint=mark)) == begun
    for other in ('another', None):
        replace(begun, fingerprint=other).write(path)
        with pytest.raises(UserError, match='by another supernet .* scores of two cannot be mixed'):
            read_or_begin(path, PoolScores('small', 100, 'raw', fingerprint=mark))
