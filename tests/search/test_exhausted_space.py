"""Fewer networks than were asked for: all of them are scored, and that is a result."""

from __future__ import annotations

import pytest

from mmbfbox.artifacts.plan import PLAN_FILE, Plan
from mmbfbox.errors import UserError
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.report import write_report
from mmbfbox.search.storage.candidates import read_candidates, read_work_dir
from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace, freeze
from tests.search.fake_search import SMALL, SPACE, TextScorer, costs, make_search, results
from tests.search.samplers.test_samplers import SAMPLERS
from tests.search.test_distributed import finish, start

ONE_BACKBONE = freeze(SPACE, dict(backbone=[['conv3', 'dw5'], ['dw3'], ['conv3']]))
"""Two targets, three levels: 8 networks in 12 orders of their merges."""


@pytest.mark.parametrize('fixed_order', [False, True])
@pytest.mark.parametrize(
    ('levels', 'targets'),
    [((2, 3), (2,)), ((2, 3, 4), (2, 3)), ((2, 3, 4), (2, 3, 4)), ((2, 3, 4, 5), (2, 3, 4))],
)
def test_networks_are_counted_without_the_orders_that_make_no_difference(
    levels, targets, fixed_order
):
    backbone = BackboneSpace(
        4, (8,) * len(levels), (1,) * len(levels), 1, ('conv3', 'dw3'), ('conv3',)
    )
    space = JointSpace(backbone, FpnSpace(levels, targets, fixed_order))
    found = {space.sample(0, index).canonical() for index in range(6000)}
    assert len(found) == space.networks <= space.count


def test_the_paper_has_fifty_thousand_pyramids():
    assert FpnSpace().networks == 5 * 10**4
    assert ONE_BACKBONE.networks == 8 and ONE_BACKBONE.count == 12


@pytest.mark.parametrize('name', list(SAMPLERS))
@pytest.mark.parametrize('asked', [9, 10_000])
def test_every_sampler_ends_with_all_networks_of_a_small_space(name, asked, tmp_path):
    loop = make_search(tmp_path, SAMPLERS[name](ONE_BACKBONE), None, ONE_BACKBONE)
    ranked = loop.run(asked)
    assert len(ranked) == len({c.arch.canonical() for c in ranked}) == ONE_BACKBONE.networks
    assert loop.ending == 'all 8 archs scored'
    # The work dir is that of a finished search, also for the report.
    plan = Plan.read(tmp_path / PLAN_FILE)
    assert plan.wanted == plan.planned == 8
    assert write_report(tmp_path).exists()
    again = TextScorer()
    loop = make_search(tmp_path, SAMPLERS[name](ONE_BACKBONE), again, ONE_BACKBONE)
    assert results(loop.run(asked)) == results(ranked) and not again.scored
    assert loop.ending == 'all 8 archs scored'


@pytest.mark.parametrize('name', list(SAMPLERS))
def test_constraints_may_leave_only_some(name, tmp_path):
    """More than there are in one population, so that those that breed run dry while breeding."""
    table = costs(SMALL)
    everything = {SMALL.sample(0, index).canonical() for index in range(200)}
    params = sorted({table.of(arch)['params'] for arch in everything})
    most = params[len(params) // 2]
    left = {arch for arch in everything if table.of(arch)['params'] <= most}
    assert 0 < len(left) < len(everything) == 6
    bound = dict(params=dict(max=most))
    loop = make_search(tmp_path, SAMPLERS[name](SMALL), None, SMALL, bound)
    assert {c.arch.canonical() for c in loop.run(100)} == left
    assert loop.ending == f'all {len(left)} archs scored that the constraints allow'


@pytest.mark.parametrize('name', list(SAMPLERS))
def test_what_is_only_likely_is_not_called_certain(name, tmp_path, monkeypatch):
    """A large space, of which constraints leave a little: nobody has seen all of the others."""
    monkeypatch.setattr('mmbfbox.search.constraints.COUNTABLE', 1000)
    monkeypatch.setattr('mmbfbox.search.constraints.TRIES_WITHOUT_LUCK', 500)
    table = costs(SPACE)
    params = sorted(table.of(SPACE.sample(0, index))['params'] for index in range(300))
    bound = dict(params=dict(max=params[3]))
    loop = make_search(tmp_path, SAMPLERS[name](SPACE), None, SPACE, bound)
    ranked = loop.run(5000)
    number = len(ranked)
    assert number == len(read_candidates(tmp_path)) > 0
    assert loop.ending == (
        f'{number} archs scored; 500 proposals in a row after them brought no other one that the '
        f'constraints allow'
    )


def test_candidates_that_failed_are_not_called_scored(tmp_path):
    bad = ONE_BACKBONE.sample(0, 0)
    scorer = TextScorer(fails=lambda arch: arch.canonical() == bad.canonical())
    loop = make_search(tmp_path, SAMPLERS['random'](ONE_BACKBONE), scorer, ONE_BACKBONE)
    assert len(loop.run(50)) == 7
    assert loop.ending == 'all 8 archs dealt with, 1 of them could not be scored'


def test_pruning_ends_as_well(tmp_path):
    pruner = Pruner(keep=1, round=3)
    loop = make_search(tmp_path, None, None, SMALL, pruner=pruner)
    assert loop.run(100)
    assert len(read_candidates(tmp_path)) == 6 and loop.ending == 'all 6 archs scored'


def test_enough_archs_need_no_such_sentence(tmp_path):
    loop = make_search(tmp_path, None, None, SMALL)
    assert len(loop.run(6)) == 6 and loop.ending is None


def test_constraints_that_allow_nothing_are_still_an_error(tmp_path):
    bound = dict(params=dict(max=1))
    with pytest.raises(UserError, match='widen the constraints'):
        make_search(tmp_path, None, None, SMALL, bound).run(3)


@pytest.mark.parametrize('population', [0, 5])
def test_processes_that_share_a_search_end_together(population, tmp_path):
    finish(start(tmp_path, 2, 0.02, population, small=True))
    assert len({c.arch.canonical() for c in read_work_dir(tmp_path)[1]}) == 6
