"""The search loop: what it scores, rejects, writes down and refuses."""

from __future__ import annotations

import hashlib
import json
from itertools import pairwise

import pytest

from mmbfbox.errors import UserError
from mmbfbox.search import Limits, RandomStrategy, ResultsFile, Searcher
from mmbfbox.search.limits import Costs
from mmbfbox.search.report import draw, pareto_front, readable, table
from mmbfbox.space import BackboneSpace, CostTable, FpnSpace, JointSpace

SPACE = JointSpace(
    BackboneSpace(4, (8, 8), (1, 1), 1, ('conv3', 'conv5', 'dw3'), ('conv3', 'dw5')),
    FpnSpace((2, 3), (2,)),
)
COSTS = Costs(CostTable(SPACE), CostTable(SPACE, (64, 64)))


class HashScorer:
    """A score that depends on the arch alone, and can be told to die."""

    def __init__(self, die_after: int | None = None) -> None:
        self.scored = []
        self.die_after = die_after

    images = dict(held_out=['a'], recalibration=['b'])

    def order(self, archs):
        return sorted(archs, key=str)

    def score(self, arch, keep=None):
        if len(self.scored) == self.die_after:
            raise KeyboardInterrupt
        self.scored.append(arch)
        value = int(hashlib.sha256(str(arch).encode()).hexdigest()[:8], 16) / 2**32
        return dict(easy=value, medium=value / 2, hard=value / 4)


def searcher(folder, scorer=None, limits=None, **identity) -> Searcher:
    return Searcher(
        RandomStrategy(SPACE, 0),
        scorer or HashScorer(),
        COSTS,
        Limits(limits or {}),
        folder,
        dict(space=str(SPACE), **identity),
    )


def scores(candidates):
    return [(c.index, str(c.arch), c.scores) for c in candidates]


def test_best_comes_first_and_every_arch_is_scored_once(tmp_path):
    scorer = HashScorer()
    ranked = searcher(tmp_path, scorer).run(6)
    hard = [candidate.scores['hard'] for candidate in ranked]
    assert hard == sorted(hard, reverse=True)
    # The space has six archs only, so sampling meets each of them again and again.
    assert len({arch.canonical() for arch in scorer.scored}) == len(scorer.scored) == 6


@pytest.mark.parametrize('after', [0, 1, 3, 5])
def test_a_killed_search_resumes_and_ends_like_an_undisturbed_one(tmp_path, after):
    undisturbed = searcher(tmp_path / 'a').run(6)
    with pytest.raises(KeyboardInterrupt):
        searcher(tmp_path / 'b', HashScorer(after)).run(6)
    rest = HashScorer()
    resumed = searcher(tmp_path / 'b', rest).run(6)
    assert scores(resumed) == scores(undisturbed)
    assert len(rest.scored) == 6 - after


def test_a_line_cut_off_by_a_kill_is_scored_again(tmp_path):
    expected = searcher(tmp_path).run(4)
    file = tmp_path / 'candidates.jsonl'
    file.write_text(file.read_text()[:-30])
    assert scores(searcher(tmp_path).run(4)) == scores(expected)
    assert len(file.read_text().splitlines()) == 4


def test_a_damaged_line_is_named(tmp_path):
    searcher(tmp_path).run(3)
    file = tmp_path / 'candidates.jsonl'
    lines = file.read_text().splitlines()
    file.write_text('\n'.join([lines[0], '{"index": 1}', lines[2]]) + '\n')
    with pytest.raises(UserError, match=r'candidates\.jsonl line 2'):
        searcher(tmp_path).run(3)


def test_a_search_is_not_continued_by_another_one(tmp_path):
    searcher(tmp_path, supernet='abc').run(2)
    with pytest.raises(UserError, match="supernet \\(there 'abc', here 'def'\\)"):
        searcher(tmp_path, supernet='def').run(2)


@pytest.mark.parametrize('cost', ['backbone_macs', 'detector_macs', 'params'])
@pytest.mark.parametrize('bound', ['min', 'max'])
def test_each_limit_rejects_before_scoring(tmp_path, cost, bound):
    everything = [COSTS.of(SPACE.sample(0, index))[cost] for index in range(60)]
    middle = sorted(everything)[30]
    scorer = HashScorer()
    searcher(tmp_path, scorer, {cost: {bound: middle}}).run(2)
    for arch in scorer.scored:
        assert (COSTS.of(arch)[cost] - middle) * (1 if bound == 'min' else -1) >= 0


def test_impossible_limits_end_in_one_sentence_with_the_costs_that_were_seen(tmp_path):
    with pytest.raises(UserError, match=r'backbone_macs 7.81e\+06 to 8.12e\+06'):
        searcher(tmp_path, limits=dict(backbone_macs=dict(max=1))).run(1)


def test_bad_limits_are_refused():
    for bounds in (
        dict(flops=dict(max=1)),
        dict(params=dict(most=1)),
        dict(params=dict(min=2, max=1)),
    ):
        with pytest.raises(UserError):
            Limits(bounds)


def test_candidates_are_plain_lines_of_json(tmp_path):
    searcher(tmp_path).run(2)
    lines = (tmp_path / 'candidates.jsonl').read_text().splitlines()
    data = json.loads(lines[0])
    assert set(data) == {
        'index', 'arch', 'scores', 'backbone_macs', 'detector_macs', 'params', 'seconds'
    }  # fmt: skip
    assert ResultsFile(tmp_path / 'candidates.jsonl').read()[0].to_json() == lines[0]


def test_report_has_the_front_the_table_and_a_picture(tmp_path):
    ranked = searcher(tmp_path).run(6)
    front = pareto_front(ranked, 'hard')
    assert front[-1] == ranked[0]
    for left, right in pairwise(front):
        assert left.backbone_macs < right.backbone_macs
        assert left.scores['hard'] < right.scores['hard']
    assert len(table(ranked, 3).splitlines()) == 5
    draw(ranked, 'hard', tmp_path / 'picture.png')
    assert (tmp_path / 'picture.png').read_bytes()[:4] == b'\x89PNG'
    assert [readable(x) for x in (2.9e9, 41.2e6, 512, 5120)] == ['2.9 G', '41.2 M', '512', '5.12 k']
