"""The pool's statistics find the truth that made-up records were made from."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.common import pool_records, recorded_runs
from benchmarks.common.pool import FINAL, read_pool
from benchmarks.common.pool_records import PoolRecords
from benchmarks.common.pool_scores import PoolScores, denoised_column, read_scores, score_columns
from benchmarks.common.pool_statistics import (
    Measured,
    best_of,
    best_trained,
    corrected_tau,
    cost_of_halving,
    halving,
    intuitive,
    noise_of,
    parts_of,
    random_trained,
    regrets,
    repeated,
    seeds_to_tell,
    tau,
    tau_interval,
    two_step,
    without_common_effects,
)
from benchmarks.common.recorded_runs import RECORDS, RecordedRuns
from benchmarks.pool import noise, ranking, regret
from mmbfbox.errors import UserError

ROWS, COLUMNS = 12, 4
BACKBONES, TOPOLOGIES = (part.ravel() for part in np.indices((ROWS, COLUMNS)))
NAMES = tuple(f'b{b:02d}-m{t}' for b, t in zip(BACKBONES, TOPOLOGIES, strict=True))


def made_up(seed: int, backbone=1.0, topology=0.5, interaction=0.5, noise=0.8, seeds=2):
    """True scores of a factorial, and records of them."""
    random = np.random.default_rng(seed)
    truth = (
        backbone * random.normal(size=(ROWS, 1))
        + topology * random.normal(size=(1, COLUMNS))
        + interaction * random.normal(size=(ROWS, COLUMNS))
    ).ravel()
    values = tuple(true + noise * random.normal(size=seeds) for true in truth)
    return truth, Measured(NAMES, BACKBONES, TOPOLOGIES, values)


def test_variances_and_reliability_are_found():
    noises, parts, spreads = [], [], []
    for seed in range(60):
        truth, found = made_up(seed)
        noises.append(noise_of(found))
        parts.append(parts_of(found, noises[-1]))
        spreads.append(np.var(truth, ddof=1))
    assert np.mean([each.seeds for each in noises]) == pytest.approx(0.64, rel=0.1)
    assert np.mean([each.networks for each in noises]) == pytest.approx(np.mean(spreads), rel=0.1)
    for name, expected in (('backbone', 1.0), ('topology', 0.25), ('interaction', 0.25)):
        assert np.mean([getattr(each, name) for each in parts]) == pytest.approx(expected, rel=0.3)
    even = replace(noises[0], seeds=0.5, networks=0.5)
    assert (even.reliability, even.of(4)) == (0.5, 0.8)


def test_what_a_seed_does_to_all_networks_is_no_difference_between_them():
    random = np.random.default_rng(0)
    noises, errors = [], {True: [], False: []}
    for seed in range(40):
        truth, found = made_up(seed, seeds=3)
        common = 2 * random.normal(size=3)
        # Some networks lack one of the seeds, and what it does to those that have it.
        scores = [
            {s: value + common[s] for s, value in enumerate(values) if s < 2 or number < 30}
            for number, values in enumerate(found.values)
        ]
        left, fitted = without_common_effects(scores)
        assert fitted == 2
        every = [value for of_seeds in scores for value in of_seeds.values()]
        assert np.concatenate(left).mean() == pytest.approx(np.mean(every))
        noises.append(noise_of(replace(found, values=left, fitted=fitted)).seeds)
        for values, kept in ((left, True), ([np.array([*s.values()]) for s in scores], False)):
            means = np.array([each.mean() for each in values])
            errors[kept].append(np.corrcoef(means, truth)[0, 1])
    assert np.mean(noises) == pytest.approx(0.64, rel=0.1)
    assert np.mean(errors[True]) > np.mean(errors[False])


def test_an_interaction_is_told_from_none():
    found = [
        parts_of(f, noise_of(f)).p for f in (made_up(s, interaction=1.5)[1] for s in range(20))
    ]
    none = [parts_of(f, noise_of(f)).p for f in (made_up(s, interaction=0.0)[1] for s in range(60))]
    assert np.mean([p < 0.05 for p in found]) > 0.9
    assert np.mean([p < 0.05 for p in none]) < 0.15
    missing = replace(made_up(0)[1], names=NAMES[:-1])
    assert parts_of(missing, noise_of(missing)) is None


def test_tau_with_the_true_order_is_found_through_the_noise_of_the_seeds():
    random = np.random.default_rng(0)
    observed, corrected, true = [], [], []
    for seed in range(60):
        truth, found = made_up(seed, noise=1.2, seeds=2)
        score = truth + random.normal(size=len(truth))
        observed.append(tau(score, found.means))
        corrected.append(corrected_tau(observed[-1], noise_of(found).of(2)))
        true.append(tau(score, truth))
    assert abs(np.mean(corrected) - np.mean(true)) < 0.05 < np.mean(true) - np.mean(observed)


def test_the_interval_of_a_score_that_says_nothing_holds_zero():
    random = np.random.default_rng(0)
    held = 0
    for seed in range(10):
        _, found = made_up(seed)
        low, high = tau_interval(random.normal(size=48), found.means, BACKBONES, resamples=200)
        held += low < 0 < high
    assert held >= 8


def test_regret_falls_with_what_is_trained_and_a_perfect_score_needs_no_training():
    _, found = made_up(1, noise=0.3)
    of_records = noise_of(found)
    picks = {
        'perfect': best_of(found.means), 'random 1': random_trained(1), 'random 16': random_trained(16),
        'all': best_trained(np.zeros(48), 48), 'worst': best_of(-found.means),
    }  # fmt: skip
    mean = {
        name: values.mean() for name, values in regrets(picks, found, of_records, draws=400).items()
    }
    assert mean['perfect'] < 0.2 and mean['all'] < 0.2
    assert mean['random 16'] < 0.5 * mean['random 1'] < mean['worst']
    again = regrets(picks, found, of_records, draws=400)
    assert {name: values.mean() for name, values in again.items()} == mean


def test_finalists_beat_the_same_money_on_random_networks_where_the_score_says_something():
    gains = []
    for seed in range(12):
        truth, found = made_up(seed, noise=0.5)
        random = np.random.default_rng(seed)
        score, rung = (truth + scale * random.normal(size=48) for scale in (1.0, 0.6))
        sizes, shares = [16, 5], [1 / 9, 1.0]
        cost = round(cost_of_halving(sizes, shares))
        picks = dict(finalists=halving(score, [rung], sizes), random=random_trained(cost))
        regret = regrets(picks, found, noise_of(found), draws=100)
        gains.append(regret['random'].mean() - regret['finalists'].mean())
    assert np.mean(gains) > 0.1


def test_further_seeds_find_more_than_further_networks_where_seeds_differ_as_much_as_networks():
    once, again, of_score = [], [], []
    for seed in range(12):
        truth, found = made_up(seed, noise=1.2)
        score = truth + 1.5 * np.random.default_rng(seed).normal(size=48)
        picks = {
            'once': best_trained(score, 16), 'again': repeated(score, (8, 4, 2, 2)),
            'random': repeated(None, (8, 4, 2, 2)),
        }  # fmt: skip
        regret = regrets(picks, found, noise_of(found), draws=200)
        once.append(regret['once'].mean())
        again.append(regret['again'].mean())
        of_score.append(regret['random'].mean())
    assert np.mean(again) < np.mean(once) and np.mean(again) < np.mean(of_score)


def test_ways_to_search_pick_what_they_can_see():
    score = np.zeros((ROWS, COLUMNS))
    score[3, 0] = 1  # the best backbone under topology 0
    score[3, 2] = 2  # whose best topology is 2
    score[7, 1] = 3  # what only a joint search finds
    found = made_up(0)[1]
    flat = score.ravel()
    assert NAMES[int(np.argmax(flat))] == 'b07-m1'
    assert NAMES[two_step(flat, found, fixed=0)] == 'b03-m2'
    assert NAMES[intuitive(flat, found, backbone=7, topology=0)] == 'b03-m1'
    assert seeds_to_tell(1.0, 1.0) == 16 and seeds_to_tell(0, 1.0) == float('inf')


def test_no_second_seed_is_one_sentence():
    found = made_up(0, seeds=1)[1]
    with pytest.raises(UserError, match='48 networks have records and 0 of them a second seed'):
        noise_of(found)


def test_scores_of_supernets_become_columns_and_the_denoised_one_is_closer_to_the_truth():
    pool = read_pool()
    random = np.random.default_rng(0)
    archs = [member.arch for member in pool.members]
    archs += [pool.costs.space.sample(5, index).canonical() for index in range(150)]
    worth = {
        name: random.normal()
        for slot in pool.costs.space.backbone.slots
        for c in slot
        for name in c
    }
    truth = np.array([sum(worth[c] for stage in arch.stages for c in stage) for arch in archs])
    truth = truth / truth.std()
    scores = {}
    for arch, value in zip(archs, truth, strict=True):
        even, odd = value + 1.5 * random.normal(size=2)
        scores[str(arch)] = dict(medium=(even + odd) / 2, medium_even=even, medium_odd=odd)
    of_pool = {str(member.arch): scores[str(member.arch)] for member in pool.members}
    made = PoolScores('small', 100, 'raw', dict(crops=scores, images=of_pool))
    columns = score_columns(pool.members, [made], {'multiply-adds': [m.macs for m in pool.members]})
    assert list(columns) == [
        'multiply-adds',
        'small, crops',
        'small, images',
        'small, crops, denoised',
    ]
    raw, denoised = (tau(columns[f'small, crops{end}'], truth[:48]) for end in ('', ', denoised'))
    assert denoised > raw + 0.05
    assert denoised_column(pool.members, PoolScores('small', 1, 'raw', dict(crops={}))) is None


@pytest.fixture
def recorded(tmp_path, monkeypatch) -> None:
    """Records of the whole pool and scores of a supernet, made up on the form of real ones."""
    real = json.loads((RECORDS / 'light' / 'stride-8-atss-seed0.json').read_text())
    pool, random = read_pool(), np.random.default_rng(0)
    runs = RecordedRuns('pool', FINAL, Path('data'), Path('work'))
    truth, scores = {}, {}
    for member in pool.members:
        truth[member] = 0.5 + 0.03 * random.normal()
        scores[str(member.arch)] = dict(medium=truth[member] + 0.03 * random.normal())
    monkeypatch.setattr(recorded_runs, 'RECORDS', tmp_path)
    monkeypatch.setattr(pool_records, 'read_scores', lambda: read_scores(tmp_path / 'pool_scores'))
    records = PoolRecords(pool, runs)
    for member, seed in pool.jobs():
        made = {
            **real, 'name': member.name, 'config': FINAL, 'arch': str(member.arch),
            'recipe': runs.recipe({}, records.network(member)),
            'scores': {n: truth[member] + 0.01 * random.normal() for n in ('easy', 'medium', 'hard')},
            'training': {**real['training'], 'seed': seed},
        }  # fmt: skip
        path = records.path(member, seed)
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(made))
    (tmp_path / 'pool_scores').mkdir()
    PoolScores('small', 100, 'raw', dict(crops=scores)).write(tmp_path / 'pool_scores' / 'a.json')


def test_each_analysis_is_one_command_that_reads_the_records(
    recorded, tmp_path, monkeypatch, capsys
):
    for analysis, titles, figure in (
        (noise, ['reliability', 'F of the interaction'], 'pool_factorial.png'),
        (ranking, ['| small, crops | +0.', 'A perfect score'], 'pool_taus.png'),
        (regret, ['| small, crops, finalists |', 'in two steps'], 'pool_regrets.png'),
    ):
        few = [] if analysis is noise else ['--resamples', '20']
        monkeypatch.setattr(sys, 'argv', ['analysis', '--figures', str(tmp_path), *few])
        analysis.main()
        said = capsys.readouterr().out
        assert all(title in said for title in titles), said
        assert (tmp_path / figure).stat().st_size > 5000
