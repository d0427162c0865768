"""Strategies, frozen parts and racing: reproducible, within their limits, and nothing good is lost."""

from __future__ import annotations

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search import AgeingStrategy, EvolutionStrategy, RandomStrategy
from mmbfbox.search.race import Race
from mmbfbox.search.strategies import build_strategy
from mmbfbox.space import freeze
from tests.search.fake_search import SPACE, TextScorer, make_searcher, results

STRATEGIES = {
    'random': lambda space, seed=0: RandomStrategy(space, seed),
    'evolution': lambda space, seed=0: EvolutionStrategy(space, seed, population=20, top=5),
    'ageing': lambda space, seed=0: AgeingStrategy(space, seed, population=20, tournament=5),
}


@pytest.mark.parametrize('name', list(STRATEGIES))
def test_every_strategy_is_reproducible_from_its_seed(name, tmp_path):
    make = STRATEGIES[name]
    first, again, other = (
        results(make_searcher(tmp_path / str(run), make(SPACE, seed)).run(60))
        for run, seed in enumerate((3, 3, 4))
    )
    assert first == again
    assert {arch for arch, *_ in first.values()} != {arch for arch, *_ in other.values()}


@pytest.mark.parametrize('name', list(STRATEGIES))
def test_no_arch_is_scored_twice_and_a_stopped_search_goes_on_with_the_same_ones(name, tmp_path):
    make = STRATEGIES[name]
    scorer = TextScorer()
    whole = results(make_searcher(tmp_path / 'whole', make(SPACE), scorer).run(60))
    assert len({arch.canonical() for arch in scorer.scored}) == len(scorer.scored) == 60
    make_searcher(tmp_path / 'parts', make(SPACE)).run(33)
    rest = TextScorer()
    assert results(make_searcher(tmp_path / 'parts', make(SPACE), rest).run(60)) == whole
    assert len(rest.scored) == 27


@pytest.mark.parametrize('name', ['evolution', 'ageing'])
def test_breeding_finds_better_archs_than_chance(name, tmp_path):
    # Dearer is better here, so there is something to learn.
    class MacsScorer(TextScorer):
        def score(self, arch, keep=None):
            value = sum(choice == 'dw5' for stage in arch.stages for choice in stage) / 10
            return dict(easy=value, medium=value, hard=value)

    means = {}
    for kind in ('random', name):
        searcher = make_searcher(tmp_path / kind, STRATEGIES[kind](SPACE), MacsScorer())
        found = sorted(searcher.run(100), key=lambda candidate: candidate.index)
        means[kind] = sum(c.scores['hard'] for c in found[-50:]) / 50
    assert means[name] > means['random'] + 0.02


def test_frozen_parts_stay_frozen_in_every_strategy(tmp_path):
    arch = SPACE.sample(9, 9)
    backbone = [list(stage) for stage in arch.stages]
    wiring = [str(merge) for merge in arch.merges]
    for part, given in (('backbone', backbone), ('fpn', wiring)):
        space = freeze(SPACE, {part: given})
        assert 1 < space.count < SPACE.count and space.hash == SPACE.hash
        for name, make in STRATEGIES.items():
            wanted = min(30, space.count // 2)
            found = make_searcher(tmp_path / part / name, make(space)).run(wanted)
            fixed = {c.arch.stages if part == 'backbone' else c.arch.merges for c in found}
            free = {c.arch.merges if part == 'backbone' else c.arch.stages for c in found}
            assert len(fixed) == 1 and len(free) > 1
    with pytest.raises(UserError, match='neck'):
        freeze(SPACE, dict(neck=wiring))
    with pytest.raises(UserError, match='does not exist'):
        freeze(SPACE, dict(fpn=str(tmp_path / 'no.json')))


def test_racing_stops_the_bad_ones_and_scores_all_of_the_best_in_full(tmp_path):
    race = Race(keep=10, round=20)
    full = make_searcher(tmp_path / 'full').run(120)
    raced = make_searcher(tmp_path / 'raced', race=race)
    found = raced.run(120)
    stopped = [c for c in raced.ledger.final.values() if c.stopped is not None]
    assert len(stopped) > 30
    assert results(found[:10]) == results(full[:10])
    again = make_searcher(tmp_path / 'again', race=race)
    again.run(70)
    again = make_searcher(tmp_path / 'again', race=race)
    assert results(again.run(120)) == results(found)


def test_settings_out_of_range_are_named():
    for settings in (dict(type='greedy'), dict(type='evolution', population=0)):
        with pytest.raises(UserError):
            build_strategy(settings, SPACE, 0, 'hard')
    with pytest.raises(UserError, match='sigmas'):
        Race.build(dict(sigma=3))
