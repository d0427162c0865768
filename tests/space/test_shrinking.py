"""Shrunk spaces: which choices are dropped, and that draws stay pure functions."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise, product

import numpy as np
import pytest

from mmbfbox.errors import UserError
from mmbfbox.space import Arch, BackboneSpace, CostTable, FpnSpace, JointSpace, freeze
from mmbfbox.space.shrinking import choice_effects, choices_left, least_archs, taken
from tests.space.test_light import LIGHT

SPACE = JointSpace(
    BackboneSpace(
        8, (16, 16, 24), (2, 2, 1), 1, ('conv3', 'conv5', 'dw3', 'dw5', 'dw7'), ('conv3', 'dw3', 'dw5')
    ),
    FpnSpace((2, 3, 4), (2, 3)),
)  # fmt: skip
LEFT = {'c2.1': ('conv5', 'dw3'), 'c3.2': ('dw5',), 'p2': ('c4', 'p3'), 'p3': ('c2', 'p2')}
SMALL = SPACE.shrunk(LEFT)


def test_a_shrunk_space_draws_only_what_is_left_by_pure_functions():
    for draw in ('sample', 'sample_fair'):
        archs = [getattr(SMALL, draw)(3, index) for index in range(300)]
        # In any order, also from a space that was made anew.
        again = SPACE.shrunk(LEFT)
        assert [getattr(again, draw)(3, index) for index in reversed(range(300))] == archs[::-1]
        seen = {pair for arch in archs for pair in taken(arch)}
        assert seen == {(place, name) for place, names in SMALL.choices.items() for name in names}
        assert all(arch in SMALL and arch in SPACE for arch in archs)
    other = Arch((('conv3', 'conv3'), *archs[0].stages[1:]), archs[0].merges)
    assert other in SPACE and other not in SMALL


def test_with_everything_left_a_space_draws_what_it_drew():
    same = SPACE.shrunk({})
    assert [same.sample(0, i) for i in range(50)] == [SPACE.sample(0, i) for i in range(50)]
    assert (same.hash, same.count, same.networks) == (SPACE.hash, SPACE.count, SPACE.networks)
    assert same.whole == SPACE and not SPACE.is_shrunk and same.is_shrunk


def test_fair_draws_use_what_is_left_of_a_slot_equally_often():
    archs = [SMALL.sample_fair(0, index) for index in range(30)]
    for stage, slots in enumerate(SMALL.backbone.slots):
        for slot, choices in enumerate(slots):
            used = Counter(arch.stages[stage][slot] for arch in archs)
            assert used == dict.fromkeys(choices, 30 // len(choices))


def test_the_archs_and_networks_of_a_shrunk_space_are_counted():
    wirings = {arch.merges for arch in (SMALL.sample(0, index) for index in range(2000))}
    assert SMALL.fpn.count == len(wirings)
    networks = {Arch((), merges).canonical() for merges in wirings}
    assert SMALL.fpn.networks == len(networks)
    backbones = list(product(*(names for place, names in SMALL.choices.items() if place[0] == 'c')))
    assert SMALL.backbone.count == len(backbones)


def test_files_of_a_shrunk_space_belong_to_its_supernet():
    arch = SMALL.sample(0, 0)
    assert SMALL.hash == SPACE.hash and SPACE.from_json(SMALL.to_json(arch)) == arch
    assert 'choices and edges left' in str(SMALL) and 'left' not in str(SPACE)
    frozen = freeze(SMALL, dict(fpn=['p3 = c3 + c2', 'p2 = c2 + p3']))
    assert frozen.hash == SPACE.hash and frozen.sample(0, 1) in SMALL


@pytest.mark.parametrize(
    'allowed', [{'c2.1': ('conv9',)}, {'c9.1': ('conv3',)}, {'c2.1': ()}, {'p2': ('p3',)}]
)
def test_what_cannot_be_left_is_one_sentence(allowed):
    with pytest.raises(UserError, match='cannot be what is left of'):
        SPACE.shrunk(allowed)


class Truth:
    """Networks whose loss is additive but for interactions, lower for expensive ones, and noisy."""

    def __init__(self, seed: int, noise: float) -> None:
        self.random = np.random.default_rng(seed)
        self.noise = noise
        self.costs = CostTable(LIGHT, (480, 640))
        places = [(p, name) for p, names in LIGHT.choices.items() for name in names]
        self.own = {place: float(self.random.normal(0, 1)) for place in places}
        self.together = defaultdict(lambda: float(self.random.normal(0, 0.5)))
        self.mean = float(np.mean([self.macs(LIGHT.sample(1, i)) for i in range(50)]))

    def macs(self, arch: Arch) -> float:
        return float(self.costs.detector(arch).macs)

    def loss(self, arch: Arch) -> float:
        """Without noise: effects of choices and of neighbours, and a price as large as they are."""
        places = taken(arch.canonical())
        own = sum(self.own[place] for place in places)
        own += sum(self.together[pair] for pair in pairwise(places))
        return own - 10 * (self.macs(arch) / self.mean - 1)

    def measured(self, arch: Arch) -> float:
        return self.loss(arch) + float(self.random.normal(0, self.noise))


def best_of(truth: Truth, archs: list[Arch], most: float) -> Arch:
    """The best arch that is cheap enough, improved place by place until nothing is better."""
    best = min((a for a in archs if truth.macs(a) <= most), key=truth.loss)
    for index in range(200):
        other = LIGHT.mutate(best, 5, index, 0.15)
        if truth.macs(other) <= most and truth.loss(other) < truth.loss(best):
            best = other
    return best


def test_the_best_network_survives_shrinking_in_nine_of_ten_searches():
    """Twice 200 archs, with noise as large as all effects together."""
    survived, dropped, seeds = 0, 0, 20
    for seed in range(seeds):
        truth, space = Truth(seed, noise=4.0), LIGHT
        best = best_of(truth, [LIGHT.sample(9, index) for index in range(100)], truth.mean)
        for turn in range(2):
            archs = [space.sample(seed, 1000 * turn + index) for index in range(200)]
            losses, macs = zip(*((truth.measured(a), truth.macs(a)) for a in archs))
            effects = choice_effects(space, archs, losses, macs)
            space = space.shrunk(choices_left(space, effects))
        survived += best in space
        dropped += sum(map(len, LIGHT.choices.values())) - sum(map(len, space.choices.values()))
    assert survived >= 0.9 * seeds, survived
    assert dropped > 3 * seeds, dropped


def test_effects_are_those_that_were_put_in_and_their_errors_hold():
    truth = Truth(3, noise=2.0)
    archs = [LIGHT.sample(0, index) for index in range(400)]
    losses, macs = zip(*((truth.measured(arch), truth.macs(arch)) for arch in archs))
    effects = choice_effects(LIGHT, archs, losses, macs)
    noiseless = choice_effects(LIGHT, archs, [truth.loss(arch) for arch in archs], macs)
    off = [
        (one.effect - other.effect) / one.error
        for one, other in zip(effects, noiseless)
        if len(LIGHT.choices[one.place]) > 1
    ]
    assert 0.6 < float(np.std(off)) < 1.3
    assert float(np.mean(np.abs(off) < 2)) > 0.85


def test_a_place_keeps_three_choices_half_of_them_and_a_lateral():
    effects = choice_effects(
        SPACE,
        archs := [SPACE.sample(0, index) for index in range(200)],
        [float(len({name for _, name in taken(arch)})) for arch in archs],
        [1.0] * len(archs),
    )
    left = choices_left(SPACE, effects, sigmas=-100)
    for place, names in SPACE.choices.items():
        assert len(left[place]) == max(min(len(names), 3), (len(names) + 1) // 2)
        assert place[0] == 'c' or any(name[0] == 'c' for name in left[place])
    assert choices_left(SPACE, effects, sigmas=100) == SPACE.choices
    assert least_archs(SPACE) < 40
