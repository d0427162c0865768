"""Strictly fair sampling uses every choice equally often, and is a pure function."""

from __future__ import annotations

from collections import Counter
from math import lcm

import pytest

from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace

PAPER = JointSpace(BackboneSpace(), FpnSpace())
SPACES = [
    PAPER,
    JointSpace(BackboneSpace(), FpnSpace(fixed_order=True)),
    JointSpace(
        BackboneSpace(
            stem_channels=8,
            out_channels=(8, 8, 8, 8),
            depths=(1, 2, 1, 1),
            shallow_choices=('conv3', 'conv5', 'dw3'),
            deep_choices=('conv3', 'dw3'),
        ),
        FpnSpace((2, 3, 4, 5), (2, 3, 4)),
    ),
    JointSpace(
        BackboneSpace(out_channels=(8, 8), depths=(1, 1)), FpnSpace((2, 3), (2, 3))
    ),
]  # fmt: skip


@pytest.mark.parametrize('space', SPACES, ids=str)
@pytest.mark.parametrize('seed', [0, 12345])
def test_every_choice_of_a_slot_comes_once_in_each_block_of_as_many_draws(space, seed):
    for stage, slots in enumerate(space.backbone.slots):
        for slot, choices in enumerate(slots):
            for block in range(3):
                draws = range(block * len(choices), (block + 1) * len(choices))
                seen = [space.sample_fair(seed, index).stages[stage][slot] for index in draws]
                assert sorted(seen) == sorted(choices)


@pytest.mark.parametrize('space', SPACES, ids=str)
@pytest.mark.parametrize('seed', [0, 12345])
def test_every_target_takes_every_source_once_in_each_block(space, seed):
    for step, target in enumerate(space.fpn.targets[::-1]):
        laterals = len(space.fpn.levels) - 1
        length = laterals + (step if space.fpn.fixed_order else len(space.fpn.targets) - 1)
        for block in range(5):
            seen = []
            for index in range(block * length, (block + 1) * length):
                merges = space.sample_fair(seed, index).merges
                seen += [merge.source for merge in merges if merge.target == target]
            assert len(seen) == len(set(seen)) == length


@pytest.mark.parametrize('space', SPACES, ids=str)
def test_every_fair_arch_is_in_the_space(space):
    assert all(space.sample_fair(1, index) in space for index in range(200))


def test_all_counts_of_the_paper_are_equal_after_72_draws():
    """72 is the least common multiple of 12 shallow and 8 deep choices and 9 sources."""
    length = lcm(12, 8, 9)
    counts = Counter()
    for index in range(5 * length, 6 * length):
        arch = PAPER.sample_fair(3, index)
        for stage, choices in enumerate(arch.stages):
            counts.update((stage, slot, choice) for slot, choice in enumerate(choices))
        counts.update((merge.target, merge.source) for merge in arch.merges)
    assert {n for (stage, *_), n in counts.items() if len(_) == 2 and stage < 2} == {6}
    assert {n for (stage, *_), n in counts.items() if len(_) == 2 and stage >= 2} == {9}
    edges = [n for key, n in counts.items() if len(key) == 2]
    assert len(edges) == 5 * 9 and set(edges) == {8}


def test_a_fair_draw_depends_on_seed_and_index_alone():
    archs = [PAPER.sample_fair(4, index) for index in range(30)]
    again = JointSpace(BackboneSpace(), FpnSpace())
    assert [again.sample_fair(4, index) for index in reversed(range(30))] == archs[::-1]
    assert PAPER.sample_fair(5, 0) != archs[0]
    # Slots do not move together, and blocks are not repeated.
    assert len({arch.stages[0] for arch in archs[:12]}) > 6
    assert archs[:12] != archs[12:24]


def test_every_order_of_the_merges_occurs():
    first = Counter(PAPER.sample_fair(0, index).merges[0].target for index in range(1000))
    assert set(first) == set(PAPER.fpn.targets) and min(first.values()) > 120
