"""The spaces: what is drawn, contained, mutated, written and read."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import chisquare

from mmbfbox.errors import UserError
from mmbfbox.space import Arch, BackboneSpace, FpnSpace, JointSpace, Merge

SPACE = JointSpace(BackboneSpace(), FpnSpace())


@pytest.fixture(scope='module')
def samples() -> list[Arch]:
    return [SPACE.sample(0, index) for index in range(100_000)]


def uniform(counts: list[int]) -> bool:
    # 70 tests are made; with one in a million each, a false alarm is out of the question.
    return chisquare(counts).pvalue > 1e-6


def test_space_has_the_size_of_the_paper():
    assert SPACE.backbone.count == 12**8 * 8**16
    assert SPACE.fpn.count == 15120 * 120
    assert FpnSpace(fixed_order=True).count == 15120


def test_every_choice_of_every_slot_is_equally_likely(samples):
    for stage, slots in enumerate(SPACE.backbone.slots):
        for slot, choices in enumerate(slots):
            drawn = [arch.stages[stage][slot] for arch in samples]
            assert uniform([drawn.count(choice) for choice in choices]), (stage, slot)


def test_every_order_of_merges_is_equally_likely(samples):
    orders = [tuple(merge.target for merge in arch.merges) for arch in samples]
    _, counts = np.unique(orders, axis=0, return_counts=True)
    assert len(counts) == 120
    assert uniform(counts)


def test_every_source_of_a_merge_is_equally_likely(samples):
    for step in range(5):
        # Which candidates there are depends on the order, so sources are counted by their rank.
        ranks = [
            SPACE.fpn.sources(arch.merges[step].target, arch.merges[:step]).index(
                arch.merges[step].source
            )
            for arch in samples
        ]
        assert uniform(np.bincount(ranks, minlength=5 + step)), step


def test_slots_are_drawn_independently(samples):
    first = [arch.stages[0][0] for arch in samples]
    second = [arch.stages[0][1] for arch in samples]
    _, counts = np.unique(list(zip(first, second)), axis=0, return_counts=True)
    assert len(counts) == 144 and uniform(counts)


def test_sampling_is_a_pure_function_of_seed_and_index():
    assert SPACE.sample(3, 1234) == SPACE.sample(3, 1234)
    assert SPACE.sample(3, 1234) != SPACE.sample(4, 1234)
    # A search that is resumed after an upgrade must go on with the same archs.
    assert str(SPACE.sample(0, 0)).splitlines()[0] == 'c2: dense3x16 conv5 dw3_5 dw5'


def test_all_samples_mutants_and_children_are_in_the_space(samples):
    for index in range(500):
        mother, father = samples[index], samples[index + 1]
        for arch in (
            mother,
            SPACE.mutate(mother, 0, index, 0.3),
            SPACE.crossover(mother, father, 0, index),
            mother.canonical(),
        ):
            assert arch in SPACE, SPACE.problem(arch)


def test_mutation_without_probability_changes_nothing_and_with_certainty_draws_anew(samples):
    assert SPACE.mutate(samples[0], 0, 0, 0.0) == samples[0]
    changed = SPACE.mutate(samples[0], 0, 0, 1.0)
    same = [a == b for x, y in zip(samples[0].stages, changed.stages) for a, b in zip(x, y)]
    assert sum(same) < 12


def test_a_child_takes_every_slot_from_a_parent(samples):
    mother, father = samples[:2]
    child = SPACE.crossover(mother, father, 0, 0)
    assert child not in (mother, father)
    for own, first, second in zip(child.stages, mother.stages, father.stages):
        assert all(choice in pair for choice, *pair in zip(own, first, second))


def test_arch_round_trips_as_text_and_as_json(samples):
    for arch in samples[:1000]:
        assert Arch.parse(str(arch)) == arch
        assert SPACE.from_json(SPACE.to_json(arch)) == arch


def test_archs_that_compute_the_same_have_one_canonical_form():
    stages = SPACE.sample(0, 0).stages
    one = Arch.build(stages, ['p6 = c6 + c7', 'p2 = c2 + c3', 'p4 = c4 + p6'])
    other = Arch.build(stages, ['p2 = c2 + c3', 'p6 = c6 + c7', 'p4 = c4 + p6'])
    assert one != other and one.canonical() == other.canonical()
    assert one.canonical().canonical() == one.canonical()


def test_arch_of_another_space_is_refused_by_name():
    other = JointSpace(BackboneSpace(depths=(2,) * 6), FpnSpace())
    with pytest.raises(UserError, match=rf'{other.hash}.*expected space {SPACE.hash}'):
        SPACE.from_json(other.to_json(other.sample(0, 0)))


@pytest.mark.parametrize(
    'text', ['', 'nonsense', '[]', '{"schema": 1}', '{"schema": 9, "space": {}}', '{"stages": 3}']
)
def test_what_is_no_arch_is_refused_in_one_sentence(text):
    with pytest.raises(UserError):
        SPACE.from_json(text)


@pytest.mark.parametrize('text', ['p4 = c5 + c6', 'p4 = c4', 'p4 = c4 + x2', 'c2: a\nc4: b'])
def test_malformed_text_is_refused(text):
    with pytest.raises(UserError):
        Arch.parse(text)


@pytest.mark.parametrize(
    'keys',
    [
        dict(depths=(4, 4)),
        dict(depths=(0,) * 6),
        dict(out_channels=(0, 256, 512, 512, 512, 256)),
        dict(stem_channels=0),
        dict(stem_kernel=4),
        dict(stem_down='stride'),
        dict(shallow_stages=7),
        dict(shallow_choices=('conv4',)),
        dict(shallow_choices=('conv3', 'conv3')),
        dict(deep_choices=()),
    ],
)
def test_a_backbone_key_out_of_range_is_refused(keys):
    with pytest.raises(UserError):
        BackboneSpace(**keys)


@pytest.mark.parametrize(
    ('keys', 'said'),
    [
        (dict(out_channels=(254, 256, 512, 512, 512, 256)), "'conv3' cannot make 254 channels .*25 % of 254"),
        (dict(out_channels=(250,) * 6, shallow_choices=('basic3',), deep_choices=('basic3', 'dw3e25')),
         "'dw3e25' cannot make 250 channels out of 250 with stride 2: 25 % of 250 is no whole number"),
        (dict(deep_choices=('shuffle3', 'basic3'), out_channels=(256, 256, 512, 512, 511, 256)),
         "'shuffle3' cannot make 511 channels"),
        (dict(deep_choices=('inception',), out_channels=(256, 256, 12, 12, 12, 12)), '12.5 % of 12'),
        (dict(deep_choices=('basic',)), "'basic' is not a block; expected a name like .* or skip"),
        (dict(deep_choices=('dw3e0',)), "'dw3e0' is not a block"),
        (dict(deep_choices=('skip',)), r"first slot of a stage needs a block, and \('skip',\) has none"),
        (dict(shallow_choices=('skip',), deep_choices=('skip',)), 'first slot of a stage needs a block'),
        (dict(deep_choices=('skip', 'conv3', 'skip')), 'name one twice'),
    ],
)  # fmt: skip
def test_a_choice_that_cannot_stand_in_its_place_is_named_in_one_sentence(keys, said):
    with pytest.raises(UserError, match=said) as caught:
        BackboneSpace(**keys)
    assert '\n' not in str(caught.value)


def test_a_choice_has_to_fit_only_the_stages_that_offer_it():
    BackboneSpace(out_channels=(18, 18, 24, 24, 24, 24), shallow_choices=('basic3', 'dense2x8'))


def test_an_fpn_key_out_of_range_is_refused():
    for keys in (dict(targets=(2, 9)), dict(targets=(2, 2)), dict(levels=(2,), targets=(2,))):
        with pytest.raises(UserError):
            FpnSpace(**keys)
    with pytest.raises(UserError):
        JointSpace(BackboneSpace(), FpnSpace(levels=(2, 3, 4), targets=(2,)))
    with pytest.raises(UserError):
        JointSpace(BackboneSpace(depths=(1, 1), out_channels=(8, 8)), FpnSpace())


def test_merge_cannot_use_what_does_not_exist_yet():
    assert FpnSpace().problem((Merge(6, 'p5'), *(Merge(level, 'c7') for level in (5, 4, 3, 2))))
    assert FpnSpace().problem((Merge(6, 'c6'), *(Merge(level, 'c7') for level in (5, 4, 3, 2))))


def test_the_space_needs_no_torch():
    code = 'import sys, mmbfbox.space; sys.exit("torch" in sys.modules)'
    assert subprocess.run([sys.executable, '-c', code]).returncode == 0
