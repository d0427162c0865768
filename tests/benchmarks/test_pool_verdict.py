"""What the package says of the pool is what the pool's records say."""

from __future__ import annotations

import pytest

from benchmarks.pool.verdict import verdict
from mmbfbox.artifacts.arch import SpaceId
from mmbfbox.artifacts.pool_verdict import PoolVerdict
from mmbfbox.errors import UserError
from mmbfbox.search.report.verdict import RANDOM, VERDICT_FILE, verdict_of, verdict_sentences

RUN_IT = 'python benchmarks/pool/verdict.py writes it anew'


def test_the_packaged_verdict_is_that_of_the_records():
    packaged, found = PoolVerdict.read(VERDICT_FILE), verdict(resamples=20)
    for name in ('space', 'networks', 'trainings', 'iterations', 'metric', 'ceiling'):
        assert getattr(packaged, name) == getattr(found, name), RUN_IT
    taus = {name: values[0] for name, values in found.taus.items()}
    assert {name: values[0] for name, values in packaged.taus.items()} == taus, RUN_IT
    assert packaged.regrets.keys() == found.regrets.keys(), RUN_IT
    assert packaged.repeated.keys() == found.repeated.keys(), RUN_IT


def test_the_verdict_names_the_best_score_and_the_best_way_to_spend_four_trainings():
    said = verdict_sentences(
        PoolVerdict(
            SpaceId('0', 'a space'), 4, 6, 100, 'medium', 0.5,
            {'a': [0.1, -0.1, 0.3], 'b': [0.4, 0.2, 0.6]},
            {'a': {'0': 3.0, '4': 1.0}, 'b': {'0': 2.0, '4': 1.5}, RANDOM: {'4': 2.0}},
        )
    )  # fmt: skip
    assert 'The best of 2 scores, b, has +0.40 (+0.20 to +0.60)' in said[1]
    assert '4 best by a' in said[2] and '1.0 points' in said[2] and 'random ones 2.0' in said[2]


def test_the_verdict_says_where_further_seeds_find_more_than_further_networks():
    def said(**repeated: dict[str, float]) -> str:
        regrets = {'a': {'8': 1.5}, RANDOM: {'8': 2.0}}
        space = SpaceId('0', 'a space')
        taus = {'a': [0.1, -0.1, 0.3]}
        verdict = PoolVerdict(space, 4, 6, 100, 'medium', 0.5, taus, regrets, repeated)
        return ' '.join(verdict_sentences(verdict))

    assert 'further seeds' not in said() and 'further seeds' not in said(a={'4 2 2': 1.6})
    found = said(a={'4 2 2': 1.2}, b={'4 2 2': 1.3})
    assert '8 trainings find more if 4 networks are trained' in found
    assert 'repeats=[2, 2]): by a what they find is 1.2 points' in found
    assert '8 networks with one seed each find 1.5 at best' in found


def test_where_no_score_chooses_better_than_chance_the_verdict_says_so():
    found = PoolVerdict(
        SpaceId('0', 'a space'), 4, 6, 100, 'medium', 0.5, {'a': [0.1, -0.1, 0.3]},
        {'a': {'4': 3.0}, RANDOM: {'4': 2.0}},
    )  # fmt: skip
    assert 'no score chooses better' in verdict_sentences(found)[-1]


def test_another_space_has_no_verdict():
    assert verdict_of(SpaceId('000000000000', 'another one')) is None


def test_a_damaged_verdict_is_refused_with_what_makes_it_anew(tmp_path):
    path = tmp_path / 'pool_verdict.json'
    path.write_text('{"schema": 1}')
    with pytest.raises(UserError, match='is damaged or not the verdict of a pool .* write it anew'):
        PoolVerdict.read(path)
