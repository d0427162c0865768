"""The search loop: what it scores, rejects, writes down and refuses."""

from __future__ import annotations

import json
from fcntl import LOCK_SH, flock
from itertools import pairwise

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search import CandidatesFile, Constraints
from mmbfbox.search.report import draw, pareto_front, readable, table
from mmbfbox.search.storage.candidates import read_candidates
from tests.search.fake_search import SMALL, SPACE, TextScorer, costs, plain, small

COSTS = costs(SMALL)


def test_best_comes_first_and_every_arch_is_scored_once(tmp_path):
    scorer = TextScorer()
    ranked = small(tmp_path, scorer).run(6)
    hard = [candidate.scores['hard'] for candidate in ranked]
    assert hard == sorted(hard, reverse=True)
    # The space has six archs only, so sampling meets each of them again and again.
    assert len({arch.canonical() for arch in scorer.scored}) == len(scorer.scored) == 6


@pytest.mark.parametrize('after', [0, 1, 3, 5])
def test_a_killed_search_goes_on_and_ends_like_an_undisturbed_one(tmp_path, after):
    undisturbed = small(tmp_path / 'a').run(6)
    with pytest.raises(KeyboardInterrupt):
        small(tmp_path / 'b', TextScorer(die_after=after)).run(6)
    rest = TextScorer()
    resumed = small(tmp_path / 'b', rest).run(6)
    assert plain(resumed) == plain(undisturbed)
    assert len(rest.scored) == 6 - after


def test_a_finished_search_is_read_and_a_longer_one_goes_on(tmp_path):
    expected = small(tmp_path / 'a', space=SPACE).run(40)
    small(tmp_path / 'b', space=SPACE).run(15)
    again = TextScorer()
    small(tmp_path / 'b', again, space=SPACE).run(15)
    assert not again.scored
    assert plain(small(tmp_path / 'b', space=SPACE).run(40)) == plain(expected)


@pytest.mark.parametrize('damage', ['{"index": 1', '\x00\x00\n', '{"index": 1}\n'])
def test_a_line_damaged_by_a_kill_is_scored_again(tmp_path, damage):
    expected = small(tmp_path).run(4)
    file = tmp_path / 'candidates.jsonl'
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(''.join(lines[:-1]) + damage)
    assert plain(small(tmp_path).run(4)) == plain(expected)
    assert len(file.read_text().splitlines()) == 4


def test_a_damaged_line_in_the_middle_is_named(tmp_path):
    small(tmp_path).run(3)
    file = tmp_path / 'candidates.jsonl'
    lines = file.read_text().splitlines()
    file.write_text('\n'.join([lines[0], '{"index": 1}', lines[2]]) + '\n')
    with pytest.raises(UserError, match=r'candidates\.jsonl line 2'):
        small(tmp_path).run(3)


def test_another_search_in_the_work_dir_is_refused_with_the_difference(tmp_path):
    small(tmp_path, searched=dict(supernet='abc')).run(2)
    small(tmp_path, searched=dict(supernet='abc')).run(3)
    with pytest.raises(UserError, match="supernet \\(there 'abc', here 'def'\\)"):
        small(tmp_path, searched=dict(supernet='def')).run(2)
    with pytest.raises(UserError, match='pruner \\(there None, here 3\\); supernet'):
        small(tmp_path, searched=dict(pruner=3)).run(2)
    (tmp_path / 'search.json').write_text('{')
    with pytest.raises(UserError, match='damaged'):
        small(tmp_path).run(2)
    (tmp_path / 'search.json').unlink()
    with pytest.raises(UserError, match='without search.json'):
        small(tmp_path).run(2)


def test_two_searches_do_not_run_in_one_work_dir(tmp_path):
    small(tmp_path).run(1)
    with (tmp_path / '.search.lock').open() as other:
        flock(other, LOCK_SH)
        with pytest.raises(UserError, match='another search is running'):
            small(tmp_path).run(2)
    small(tmp_path).run(2)


@pytest.mark.parametrize('cost', ['backbone_macs', 'detector_macs', 'params', 'latency_ms'])
@pytest.mark.parametrize('bound', ['min', 'max'])
def test_each_constraint_rejects_before_scoring(tmp_path, cost, bound):
    def cost_of(arch):
        return len(str(arch)) if cost == 'latency_ms' else COSTS.of(arch)[cost]

    everything = [cost_of(SMALL.sample(0, index)) for index in range(60)]
    middle = sorted(everything)[30]
    scorer = TextScorer()
    measure = dict(latency=lambda arch: len(str(arch))) if cost == 'latency_ms' else {}
    small(tmp_path, scorer, {cost: {bound: middle}}, **measure).run(2)
    for arch in scorer.scored:
        assert (cost_of(arch) - middle) * (1 if bound == 'min' else -1) >= 0
    noted = {c.latency_ms for c in read_candidates(tmp_path)}
    assert noted == ({cost_of(arch) for arch in scorer.scored} if measure else {None})


def test_latency_is_asked_only_for_what_the_other_constraints_allow(tmp_path):
    middle = sorted(COSTS.of(SMALL.sample(0, index))['params'] for index in range(60))[30]
    asked = []

    def measure(arch):
        asked.append(arch)
        return 1.0

    small(tmp_path, constraints=dict(params=dict(max=middle)), latency=measure).run(2)
    assert asked and all(COSTS.of(arch)['params'] <= middle for arch in asked)


def test_impossible_constraints_end_in_one_sentence_with_the_costs_that_were_seen(tmp_path):
    with pytest.raises(UserError, match=r'backbone_macs 7.81e\+06 to 8.12e\+06'):
        small(tmp_path, constraints=dict(backbone_macs=dict(max=1))).run(1)


def test_bad_constraints_are_refused():
    for bounds in (
        dict(flops=dict(max=1)),
        dict(params=dict(most=1)),
        dict(params=dict(min=2, max=1)),
        dict(params=dict(max='much')),
        dict(params=3),
    ):
        with pytest.raises(UserError):
            Constraints(bounds)
    assert not Constraints(dict(params=dict(max=None))).bounds


def test_candidates_are_plain_lines_of_json(tmp_path):
    small(tmp_path).run(2)
    lines = (tmp_path / 'candidates.jsonl').read_text().splitlines()
    data = json.loads(lines[0])
    assert set(data) == {
        'index', 'arch', 'scores', 'backbone_macs', 'detector_macs', 'params', 'seconds'
    }  # fmt: skip
    assert CandidatesFile(tmp_path / 'candidates.jsonl').read()[0].to_json() == lines[0]


def test_report_has_the_front_the_table_and_a_picture(tmp_path):
    ranked = small(tmp_path).run(6)
    front = pareto_front(ranked, 'hard')
    assert front[-1] == ranked[0]
    for left, right in pairwise(front):
        assert left.backbone_macs < right.backbone_macs
        assert left.scores['hard'] < right.scores['hard']
    assert len(table(ranked, 3).splitlines()) == 5
    draw(ranked, 'hard', tmp_path / 'picture.png')
    assert (tmp_path / 'picture.png').read_bytes()[:4] == b'\x89PNG'
    assert [readable(x) for x in (2.9e9, 41.2e6, 512, 5120)] == ['2.9 G', '41.2 M', '512', '5.12 k']
