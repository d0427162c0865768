"""Networks that are stepped side by side on rendered crops end as if each had been trained alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.common import recorded_runs
from benchmarks.common.crop_bank import CropBank
from benchmarks.common.pool import FINAL, read_pool
from benchmarks.common.pool_records import PoolRecords
from benchmarks.common.recorded_runs import RecordedRuns
from benchmarks.common.side_by_side import SideBySide
from benchmarks.common.stepped_network import SteppedNetwork
from benchmarks.training.ingredients import INGREDIENTS
from mmbfbox.artifacts.training_record import TrainingRecord
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.engine import read_weights
from mmbfbox.errors import UserError
from mmbfbox.pipeline.run import write_config
from mmbfbox.pipeline.trainings import TRAINING_RECORD, training_record
from tests.benchmarks.test_pool import SHORT
from tests.reading import counted_reads
from tests.running_tools import run


@pytest.fixture(scope='module')
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('crops') / 'data'
    make_demo_data(folder, seed=0, train=12, val=2, size=128)
    return folder


@pytest.fixture(autouse=True)
def _no_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded_runs, 'RECORDS', tmp_path / 'records')


def test_networks_side_by_side_are_those_that_were_trained_alone_to_the_last_bit(data, tmp_path):
    pool = read_pool()
    members = pool.members[:2]
    side, alone = (
        PoolRecords(pool, RecordedRuns('pool', FINAL, data, tmp_path / name), SHORT)
        for name in ('side', 'alone')
    )
    jobs = [side.job(member, 3) for member in members]
    together = SideBySide(at_once=2, workers=0)
    together.train(side.runs, jobs)
    plan, step, config = alone.runs.training(members[1].name, 3, SHORT, alone.network(members[1]))
    write_config(plan.folder / 'config.py', config)
    run('train', plan.folder / 'config.py', '--work-dir', step.folder)
    folder = side.runs.work_dir / members[1].name / 'seed3' / 'training'
    made, expected = (
        TrainingRecord.read(folder / TRAINING_RECORD),
        training_record(step.done, plan),
    )
    assert replace(made, seconds=0) == replace(expected, seconds=0)
    states = [read_weights(path).state for path in (folder / 'iter_2.pth', step.done)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    # What is trained is not trained again.
    before = (folder / 'iter_2.pth').stat().st_mtime_ns
    together.train(side.runs, jobs)
    assert (folder / 'iter_2.pth').stat().st_mtime_ns == before


def test_crops_that_do_not_fit_are_one_sentence(data, tmp_path):
    pool = read_pool()
    records = PoolRecords(pool, RecordedRuns('pool', FINAL, data, tmp_path), SHORT)
    _, _, config = records.runs.training('b00-m0', 0, SHORT, records.network(pool.members[0]))
    with pytest.raises(
        UserError,
        match='the 4 crops of a training take 0.00 GB with their targets, and cpu has 0.00 GB',
    ):
        CropBank(config, 0, 4, 'cpu', memory=1000)
    bank, again = (CropBank(config, 0, 4, 'cpu') for _ in range(2))
    assert len(bank) == 4
    (images, targets), (other_images, other_targets) = (
        each.take(each.order(4, 0)) for each in (bank, again)
    )
    assert torch.equal(images, other_images) and all(map(torch.equal, targets, other_targets))


def test_a_longer_training_and_another_seed_see_the_same_crops_in_other_orders(data, tmp_path):
    pool = read_pool()
    records = PoolRecords(pool, RecordedRuns('pool', FINAL, data, tmp_path), SHORT)
    config = records.runs.training(*records.job(pool.members[0], 0))[2]
    bank = CropBank(config, 0, 8, 'cpu')
    order, other = bank.order(20, 0).tolist(), bank.order(20, 1).tolist()
    assert order[:8] == list(range(8)) and order[8:16] != order[:8] != other[:8]
    for passes in (order, other):
        assert sorted(passes[:8]) == sorted(passes[8:16]) == list(range(8))
    assert order == bank.order(20, 0).tolist()
    together = SideBySide(at_once=2, workers=0, crops=6)
    jobs = [records.job(pool.members[0], seed) for seed in (0, 1)]
    together.train(records.runs, jobs)
    for job in jobs:
        folder = records.runs.training(*job)[1].folder
        assert TrainingRecord.read(folder / TRAINING_RECORD).device.endswith(
            '6 crops again and again'
        )


@pytest.mark.parametrize('losses', ['as recommended', 'focal loss', 'smooth L1'])
def test_a_step_asks_the_device_for_nothing_so_that_it_can_be_a_graph(data, tmp_path, losses):
    pool = read_pool()
    options = {**SHORT, **INGREDIENTS.get(losses, {})}
    records = PoolRecords(pool, RecordedRuns('pool', FINAL, data, tmp_path), options)
    config = records.runs.training(*records.job(pool.members[0], 0))[2]
    network = SteppedNetwork(config, 0, CropBank(config, 0, 4, 'cpu'))
    with pytest.MonkeyPatch.context() as patch:
        # The optimizer of a GPU is another one, and keeps its rates there.
        patch.setattr(network, '_set_rates', lambda: None)
        patch.setattr(network._optimizer, 'step', lambda: None)
        network.step()  # makes what is kept
        network._count.zero_()
        with counted_reads() as reads:
            network.step()
    assert not reads
