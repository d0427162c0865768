"""Samplers, frozen parts and pruning: reproducible, within their constraints, and nothing good is lost."""

from __future__ import annotations

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search import EvolutionSampler, RandomSampler, RegularizedEvolutionSampler
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.samplers import build_sampler
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.space import freeze
from tests.search.fake_search import SPACE, TextScorer, make_search, results

SAMPLERS = {
    'random': lambda space, seed=0: RandomSampler(space, seed),
    'evolution': lambda space, seed=0: EvolutionSampler(space, seed, population=20, top=5),
    'regularized_evolution': lambda space, seed=0: RegularizedEvolutionSampler(
        space, seed, population=20, tournament=5
    ),
}


@pytest.mark.parametrize('name', list(SAMPLERS))
def test_every_sampler_is_reproducible_from_its_seed(name, tmp_path):
    make = SAMPLERS[name]
    first, again, other = (
        results(make_search(tmp_path / str(run), make(SPACE, seed)).run(60))
        for run, seed in enumerate((3, 3, 4))
    )
    assert first == again
    assert {arch for arch, *_ in first.values()} != {arch for arch, *_ in other.values()}


@pytest.mark.parametrize('name', list(SAMPLERS))
def test_no_arch_is_scored_twice_and_a_stopped_search_goes_on_with_the_same_ones(name, tmp_path):
    make = SAMPLERS[name]
    scorer = TextScorer()
    whole = results(make_search(tmp_path / 'whole', make(SPACE), scorer).run(60))
    assert len({arch.canonical() for arch in scorer.scored}) == len(scorer.scored) == 60
    make_search(tmp_path / 'parts', make(SPACE)).run(33)
    rest = TextScorer()
    assert results(make_search(tmp_path / 'parts', make(SPACE), rest).run(60)) == whole
    assert len(rest.scored) == 27


@pytest.mark.parametrize('name', ['evolution', 'regularized_evolution'])
def test_breeding_finds_better_archs_than_chance(name, tmp_path):
    # Dearer is better here, so there is something to learn.
    class MacsScorer(TextScorer):
        def score(self, arch, keep=None):
            value = sum(choice == 'dw5' for stage in arch.stages for choice in stage) / 10
            return dict(easy=value, medium=value, hard=value)

    means = {}
    for kind in ('random', name):
        loop = make_search(tmp_path / kind, SAMPLERS[kind](SPACE), MacsScorer())
        found = sorted(loop.run(100), key=lambda candidate: candidate.index)
        means[kind] = sum(c.scores['hard'] for c in found[-50:]) / 50
    assert means[name] > means['random'] + 0.02


def test_frozen_parts_stay_frozen_in_every_sampler(tmp_path):
    arch = SPACE.sample(9, 9)
    backbone = [list(stage) for stage in arch.stages]
    merges = [str(merge) for merge in arch.merges]
    for part, given in (('backbone', backbone), ('fpn', merges)):
        space = freeze(SPACE, {part: given})
        assert 1 < space.count < SPACE.count and space.hash == SPACE.hash
        for name, make in SAMPLERS.items():
            wanted = min(30, space.count // 2)
            found = make_search(tmp_path / part / name, make(space)).run(wanted)
            fixed = {c.arch.stages if part == 'backbone' else c.arch.merges for c in found}
            free = {c.arch.merges if part == 'backbone' else c.arch.stages for c in found}
            assert len(fixed) == 1 and len(free) > 1
    with pytest.raises(UserError, match='neck'):
        freeze(SPACE, dict(neck=merges))
    with pytest.raises(UserError, match='does not exist'):
        freeze(SPACE, dict(fpn=str(tmp_path / 'no.json')))


def test_archs_of_a_frozen_space_fit_its_supernet_and_freeze_another_one(tmp_path):
    space = freeze(SPACE, dict(fpn=['p3 = c3 + c4', 'p2 = c2 + p3']))
    arch = space.sample(0, 3)
    assert arch.stages == SPACE.sample(0, 3).stages
    assert SPACE.from_json(space.to_json(arch)) == arch
    file = tmp_path / 'best.json'
    file.write_text(space.to_json(arch))
    second = freeze(SPACE, dict(backbone=str(file)))
    assert second.sample(0, 7).stages == arch.stages
    assert second.sample(0, 7).merges == SPACE.sample(0, 7).merges
    assert 'fixed backbone' in str(second) and 'fixed fpn' in str(space)
    with pytest.raises(UserError, match='differs from the fixed part'):
        second.to_json(SPACE.sample(0, 8))
    assert freeze(SPACE, None) is SPACE and freeze(SPACE, dict(backbone=None)) is SPACE


@pytest.mark.parametrize(
    'settings, message',
    [
        (dict(backbone=[['conv3']]), r'its depths are \(1,\)'),
        (dict(fpn=['p3 = c3 + c4']), 'its merges have the targets'),
        (dict(fpn=['p3 + c4']), 'is not a merge'),
        (dict(backbone=3), 'neither a path nor lists'),
    ],
)
def test_wrong_frozen_parts_are_refused_in_one_sentence(settings, message):
    with pytest.raises(UserError, match=message):
        freeze(SPACE, settings)


def test_pruning_stops_the_bad_ones_and_scores_all_of_the_best_in_full(tmp_path):
    pruner = Pruner(keep=10, round=20)
    full = make_search(tmp_path / 'full').run(120)
    at_round_end = make_search(tmp_path / 'at_round_end', pruner=pruner)
    found = at_round_end.run(120)
    stopped = [c for c in at_round_end.storage.final.values() if c.stopped is not None]
    assert len(stopped) > 30
    assert results(found[:10]) == results(full[:10])
    again = make_search(tmp_path / 'again', pruner=pruner)
    again.run(70)
    again = make_search(tmp_path / 'again', pruner=pruner)
    assert results(again.run(120)) == results(found)


@pytest.mark.parametrize('after', [13, 35, 50])
def test_a_killed_race_decides_as_an_undisturbed_one_in_any_order_of_the_work(tmp_path, after):
    class Backwards(TextScorer):
        def prepare(self, archs):
            return sorted(archs, key=str, reverse=True)

    pruner = Pruner(keep=10, round=20)
    make_search(tmp_path / 'a', pruner=pruner).run(80)
    with pytest.raises(KeyboardInterrupt):
        make_search(tmp_path / 'b', scorer=Backwards(die_after=after), pruner=pruner).run(80)
    make_search(tmp_path / 'b', scorer=Backwards(), pruner=pruner, chunk=1).run(80)
    assert results(read_candidates(tmp_path / 'b')) == results(read_candidates(tmp_path / 'a'))


def test_stopped_candidates_that_could_be_the_best_after_all_are_completed(tmp_path):
    class LateBlooming(TextScorer):
        """What is known after a part says little in the second half of the search."""

        def score(self, arch, keep=None):
            noise = 0.4 * (len(str(arch)) % 7 / 6 - 0.5) * (len(self.scored) >= 60)

            def doubtful(images, scores):
                return keep(images, dict.fromkeys(scores, scores['hard'] + noise))

            return super().score(arch, doubtful if keep else None)

    loop = make_search(tmp_path, scorer=LateBlooming(), pruner=Pruner(keep=10, round=20))
    loop.run(120)
    final = loop.storage.final
    completed = [i for i, c in loop.storage.at_round_end.items() if c.stopped and final[i].complete]
    assert completed and not loop.pruner.could_be_best(list(final.values()), 'hard')
    assert len(final) == 120 and len(loop.file.read()) == 120 + len(completed)


def test_settings_out_of_range_are_named():
    for settings in (dict(type='greedy'), dict(type='evolution', population=0)):
        with pytest.raises(UserError):
            build_sampler(settings, SPACE, 0, 'hard')
    with pytest.raises(UserError, match='sigmas'):
        Pruner.build(dict(sigma=3))
