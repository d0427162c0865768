"""What can go wrong in a search: told in one sentence, and nothing that was found is lost."""

from __future__ import annotations

import json
import math
import multiprocessing
import resource
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from mmbfbox.search.objective import FAILURES_IN_A_ROW, SCORELESS_IN_A_ROW
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.report import table, write_report
from mmbfbox.search.scoring.interface import check_finite
from mmbfbox.search.storage.candidates import read_candidates
from tests.fixtures_search import fake_search
from tests.search.fake_search import SPACE, TextScorer, make_search, plain, small


def test_a_candidate_that_raises_is_noted_and_the_search_goes_on(tmp_path):
    def unlucky(arch):
        return arch.stages[0] == ('conv5',) and arch.stages[1] == ('dw5',)

    ranked = small(tmp_path, TextScorer(fails=unlucky)).run(6)
    assert len(ranked) == 5
    (failed,) = [c for c in read_candidates(tmp_path) if c.error]
    assert failed.error == 'RuntimeError: it broke' and not failed.scores
    # Finished is finished: only an unfinished round tries again.
    again = TextScorer()
    assert len(small(tmp_path, again).run(6)) == 5 and not again.scored


def test_scores_that_are_not_numbers_are_failures_and_many_of_them_end_in_one_sentence(tmp_path):
    class Diverged(TextScorer):
        def score(self, arch, keep=None):
            return dict(easy=0.1, medium=0.1, hard=float('nan'))

    with pytest.raises(UserError, match='in a row could not be scored.*hard is not a number'):
        small(tmp_path, Diverged(), space=SPACE).run(20)
    failed = read_candidates(tmp_path)
    assert len(failed) == FAILURES_IN_A_ROW and all(c.error for c in failed)
    # Put right, they are scored.
    assert len(small(tmp_path, space=SPACE).run(20)) == 20


class WithoutEasyFaces(TextScorer):
    """The held-out images have no large face: easy AP does not exist."""

    def score(self, arch, keep=None):
        numbers = [math.nan, 0.0, 0.0]

        def without_easy(images, scores):
            return keep(images, dict(scores, easy=numbers[0]))

        scores = super().score(arch, without_easy if keep else None)
        return dict(scores, easy=math.nan)


@pytest.mark.parametrize('pruner', [None, Pruner(keep=3, round=5)])
def test_only_the_score_that_orders_candidates_has_to_be_a_number(pruner, tmp_path):
    expected = make_search(tmp_path / 'a', None, None, pruner=pruner).run(40)
    found = make_search(tmp_path / 'b', None, WithoutEasyFaces(), pruner=pruner).run(40)
    assert [(c.index, c.scores['hard']) for c in found] == [
        (c.index, c.scores['hard']) for c in expected
    ]
    every = read_candidates(tmp_path / 'b')
    assert not any(c.error for c in every) and all(math.isnan(c.scores['easy']) for c in every)
    stopped = [c.index for c in every if c.stopped is not None]
    assert stopped == [c.index for c in read_candidates(tmp_path / 'a') if c.stopped is not None]
    assert bool(stopped) == bool(pruner)
    for line in (tmp_path / 'b' / 'candidates.jsonl').read_text().splitlines():
        json.loads(line, parse_constant=lambda name: pytest.fail(f'{name} is no JSON'))
    # The table and the page leave out what does not exist.
    assert f'| 1 | {found[0].index} | – | ' in table(found, 3)
    page = write_report(tmp_path / 'b').read_text()
    assert '"subsets":["medium","hard"]' in page and 'NaN' not in page.partition('const data')[0]
    # The search goes on from its files.
    again = WithoutEasyFaces()
    make_search(tmp_path / 'b', None, again, pruner=pruner).run(40)
    assert not again.scored


def test_images_without_a_face_that_counts_stop_nobody():
    """What a part without any face says of the rest is unknown, not zero."""
    arch = SPACE.sample(0, 0)
    costs = dict(backbone_macs=1, detector_macs=1, params=1, seconds=0.1)
    known = [
        Candidate(i, arch, dict(hard=0.5), **costs, parts=((10, math.nan if i % 2 else 0.3),))
        for i in range(6)
    ]
    one_less = Pruner(keep=3).thresholds([c for c in known if not c.index % 2], 'hard')
    assert Pruner(keep=3).thresholds(known, 'hard') == one_less
    none = [replace(c, parts=((10, math.nan),)) for c in known]
    assert Pruner(keep=3).thresholds(none, 'hard') == {}


def test_a_search_in_which_everything_fails_says_so(tmp_path):
    with pytest.raises(UserError, match='none of the 3 candidates could be scored'):
        small(tmp_path, TextScorer(fails=lambda arch: True)).run(3)


def test_a_supernet_that_has_diverged_in_places_loses_the_candidates_that_use_them(
    supernet, tmp_path
):
    space, weights = space_of(supernet), supernet.state_dict()
    weights['backbone.stages.0.0.choices.conv5.convs.0.conv.weight'][0] = float('nan')

    class Checked(TextScorer):
        def score(self, arch, keep=None):
            check_finite(weights, arch)
            return super().score(arch, keep)

    found = make_search(tmp_path, None, Checked(), space).run(60)
    failed = [c for c in read_candidates(tmp_path) if c.error]
    assert len(failed) + len(found) == 60 and failed
    assert {c.arch.stages[0][0] for c in failed} == {'conv5'}
    assert 'conv5' not in {c.arch.stages[0][0] for c in found}
    assert all('training has diverged; train it with a lower' in c.error for c in failed)


def test_a_supernet_of_which_nothing_can_be_scored_ends_the_search(supernet, tmp_path):
    weights = supernet.state_dict()
    weights['backbone.stem.conv.weight'][:] = float('inf')

    class Checked(TextScorer):
        def score(self, arch, keep=None):
            check_finite(weights, arch)
            return super().score(arch, keep)

    with pytest.raises(UserError, match='100 candidates in a row.*weights backbone.stem.conv'):
        make_search(tmp_path, None, Checked(), space_of(supernet)).run(300)
    assert len(read_candidates(tmp_path)) == SCORELESS_IN_A_ROW


def with_little_room(limit: int, work: Callable[[], object], said: Path) -> str:
    """The error of ``work`` in a process whose files may have ``limit`` bytes."""

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            work()
        except UserError as error:
            said.write_text(str(error))

    # A forked process has everything imported already.
    process = multiprocessing.get_context('fork').Process(target=limited)
    process.start()
    process.join(60)
    assert process.exitcode == 0
    return said.read_text()


def test_a_full_disk_stops_the_search_between_two_lines_and_the_rest_follows_later(tmp_path):
    expected = make_search(tmp_path / 'a').run(12)
    folder = tmp_path / 'b'
    said = with_little_room(2000, lambda: make_search(folder).run(12), tmp_path / 'said')
    assert 'cannot write to' in said and 'make room and run again' in said
    done = read_candidates(folder)
    assert 2 < len(done) < 12
    assert (folder / 'candidates.jsonl').read_text().endswith('}\n')
    rest = TextScorer()
    assert plain(make_search(folder, None, rest).run(12)) == plain(expected)
    assert len(rest.scored) == 12 - len(done)


def test_a_disk_that_is_full_at_the_report_is_one_sentence_and_leaves_no_half_of_it(tmp_path):
    folder = tmp_path / 'search'
    fake_search(folder, 20)
    said = with_little_room(6000, lambda: write_report(folder), tmp_path / 'said')
    assert said.startswith(f'cannot write {folder}') and said.endswith('make room and run again')
    assert not list(folder.glob('*.png')) and not list(folder.glob('.*'))
    assert write_report(folder).exists()
