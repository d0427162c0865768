"""Spaces with slots that may be skipped, and spaces with keys that the first ones did not have."""

from __future__ import annotations

from dataclasses import replace
from math import lcm

import pytest
from scipy.stats import chisquare

from mmbfbox.errors import UserError
from mmbfbox.space import Arch, BackboneSpace, FpnSpace, FrozenSpace, JointSpace, freeze

LIGHT = JointSpace(
    BackboneSpace(
        stem_channels=8,
        out_channels=(16, 16, 24),
        depths=(2, 3, 3),
        shallow_stages=1,
        shallow_choices=('basic3', 'dw5e150', 'skip'),
        deep_choices=('skip', 'basic3e50', 'conv3e50', 'dw7'),
        stem_kernel=3,
        stem_down='conv',
    ),
    FpnSpace((3, 4), (3,)),
)


def test_a_stages_first_slot_leaves_skip_out_and_all_others_offer_it():
    for stage in LIGHT.backbone.slots:
        assert ['skip' in choices for choices in stage] == [False] + [True] * (len(stage) - 1)
    assert LIGHT.backbone.count == 2 * 3 * (3 * 4 * 4) ** 2
    arch = LIGHT.sample(0, 0)
    first_skipped = replace(arch, stages=(('skip', 'basic3'), *arch.stages[1:]))
    assert LIGHT.problem(first_skipped) == (
        "slot 1 of c2 takes 'skip', expected one of ('basic3', 'dw5e150')"
    )


def test_a_stage_of_one_slot_never_skips_it():
    space = BackboneSpace(8, (16,), (1,), 1, ('basic3', 'skip'))
    assert space.slots == ((('basic3',),),) and space.count == 1


def test_every_choice_of_every_slot_is_drawn_equally_often():
    archs = [LIGHT.sample(0, index) for index in range(20_000)]
    for stage, slots in enumerate(LIGHT.backbone.slots):
        for slot, choices in enumerate(slots):
            drawn = [arch.stages[stage][slot] for arch in archs]
            assert chisquare([drawn.count(choice) for choice in choices]).pvalue > 1e-6


def test_fair_draws_use_each_choice_of_a_slot_once_in_as_many_draws_as_it_has():
    """Slots with and without a skip have other numbers of choices, and blocks of other lengths."""
    sizes = {len(choices) for stage in LIGHT.backbone.slots for choices in stage}
    assert sizes == {2, 3, 4}
    archs = [LIGHT.sample_fair(5, index) for index in range(2 * lcm(*sizes))]
    assert all(arch in LIGHT for arch in archs)
    for stage, slots in enumerate(LIGHT.backbone.slots):
        for slot, choices in enumerate(slots):
            drawn = [arch.stages[stage][slot] for arch in archs]
            for start in range(0, len(drawn), len(choices)):
                assert sorted(drawn[start : start + len(choices)]) == sorted(choices)


def test_mutants_and_children_stay_in_the_space_and_take_up_and_drop_skips():
    taken = dropped = 0
    for index in range(300):
        mother, father = LIGHT.sample(0, index), LIGHT.sample(1, index)
        mutant = LIGHT.mutate(mother, 2, index, 0.3)
        child = LIGHT.crossover(mother, father, 3, index)
        assert mutant in LIGHT and child in LIGHT
        for own, one, other in zip(child.stages, mother.stages, father.stages):
            assert all(choice in pair for choice, *pair in zip(own, one, other))
        pairs = [p for was, now in zip(mother.stages, mutant.stages) for p in zip(was, now)]
        taken += sum(was != 'skip' == now for was, now in pairs)
        dropped += sum(was == 'skip' != now for was, now in pairs)
    assert taken > 50 and dropped > 50


def test_archs_that_skip_other_slots_of_a_stage_are_different_networks():
    """The same blocks, but each slot has weights of its own."""
    merges = LIGHT.sample(0, 0).merges
    one, other = (
        Arch((('basic3', 'skip'), stage, ('dw7', 'skip', 'skip')), merges)
        for stage in (('dw7', 'skip', 'basic3e50'), ('dw7', 'basic3e50', 'skip'))
    )
    assert one in LIGHT and other in LIGHT
    assert one.canonical() != other.canonical()


def test_an_arch_with_skips_is_written_and_read_like_any_other():
    arch = next(a for a in (LIGHT.sample(0, i) for i in range(9)) if 'skip' in str(a))
    assert Arch.parse(str(arch)) == arch == LIGHT.from_json(LIGHT.to_json(arch))


def test_a_frozen_backbone_may_have_skips_and_keeps_the_hash_of_its_space():
    stages = [['basic3', 'skip'], ['dw7', 'skip', 'skip'], ['dw7', 'skip', 'conv3e50']]
    frozen = freeze(LIGHT, {'backbone': stages})
    assert isinstance(frozen, FrozenSpace) and frozen.hash == LIGHT.hash
    assert frozen.sample(0, 3).to_dict()['stages'] == stages
    stages[1][0] = 'skip'
    with pytest.raises(UserError, match='slot 1 of c3'):
        freeze(LIGHT, {'backbone': stages})


def test_spaces_of_before_have_the_hash_that_their_files_name():
    """No matter whether keys that came later are left out or written out as they were."""
    paper = JointSpace(BackboneSpace(), FpnSpace())
    assert paper.hash == '3832736f58b7'
    written = JointSpace(BackboneSpace(stem_kernel=7, stem_down='pool'), FpnSpace())
    assert written.hash == paper.hash
    assert FrozenSpace(paper.backbone, paper.fpn).hash == paper.hash


@pytest.mark.parametrize(
    'keys', [dict(stem_kernel=3), dict(stem_down='conv'), dict(deep_choices=('skip', 'conv3'))]
)
def test_another_stem_or_choice_is_another_space(keys):
    paper = JointSpace(BackboneSpace(), FpnSpace())
    assert JointSpace(BackboneSpace(**keys), FpnSpace()).hash != paper.hash


def test_a_pyramid_may_leave_the_finest_stages_out():
    assert LIGHT.backbone.levels == (2, 3, 4) and LIGHT.fpn.levels == (3, 4)
    assert {merge.target for merge in LIGHT.sample(0, 0).merges} == {3}
    with pytest.raises(UserError, match='the same coarsest level'):
        JointSpace(LIGHT.backbone, FpnSpace((2, 3), (2,)))
