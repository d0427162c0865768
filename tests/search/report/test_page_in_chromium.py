"""The page of a search in real Chromium: what a reader sees, points at and clicks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.pool_verdict import PoolVerdict
from mmbfbox.artifacts.search import SearchFile
from mmbfbox.search.report import pareto_front, write_report
from mmbfbox.search.report.verdict import RANDOM, VERDICT_FILE
from tests.chromium import Chromium
from tests.fixtures_search import fake_search, identity
from tests.search.report.test_trust import noisy_search
from tests.space.test_light import LIGHT

SHOWN = 'document.querySelector("#drawing").textContent'


@pytest.fixture(scope='module')
def browser() -> Iterator[Chromium]:
    with Chromium() as page:
        page.look_like(1280, 900)
        yield page


@pytest.fixture(scope='module')
def search(tmp_path_factory) -> tuple[Path, list[Candidate]]:
    """The page of a search, and its candidates."""
    folder = tmp_path_factory.mktemp('search')
    candidates = fake_search(folder, 60)
    return write_report(folder, 'supernet.pth', best=5), candidates


@pytest.fixture
def page(browser, search) -> Chromium:
    """The page, newly opened."""
    browser.faults.clear()
    browser.look_like(1280, 900)
    browser.open(search[0].as_uri())
    return browser


def best_of(candidates: list[Candidate], metric: str = 'hard') -> Candidate:
    return max(candidates, key=lambda candidate: candidate.scores[metric])


def test_the_page_opens_without_a_fault_and_says_what_was_found(page, search):
    best = best_of(search[1])
    tile = page.evaluate("document.querySelector('.tile').textContent")
    assert tile.startswith(f'{100 * best.scores["hard"]:.2f}') and f'candidate {best.index}' in tile
    assert page.evaluate('document.title') == 'Search report: 60 candidates'
    assert page.evaluate("document.querySelectorAll('#best tbody tr').length") == 5
    loaded = page.evaluate("performance.getEntriesByType('resource').length")
    assert page.faults == [] and loaded == 0, 'the page needs no other file'


def test_the_line_is_the_pareto_front_of_the_cost_that_is_chosen(page, search):
    places = {candidate.index: place for place, candidate in enumerate(search[1])}
    for cost in ('backbone_macs', 'params'):
        page.evaluate(f"state.cost = '{cost}'; refresh()")
        shown = page.evaluate(f"frontOf(data.costs['{cost}'], data.scores.hard)")
        front = pareto_front(search[1], 'hard', cost)
        assert shown == [places[candidate.index] for candidate in front]
        dots = page.evaluate("document.querySelector('#cost-plot .front-dots').getAttribute('d')")
        assert dots.count('M') == len(front)


def test_every_arch_is_drawn_as_its_text_says(page, search):
    for place, candidate in list(enumerate(search[1]))[:20]:
        shown = page.evaluate(f'archText({place})')
        expected = [
            f'c{level}: {" ".join(stage)}' for level, stage in enumerate(candidate.arch.stages, 2)
        ]
        assert shown.split('\n') == [*expected, *map(str, candidate.arch.merges)]
        page.evaluate(f'select({place})')
        drawn = page.evaluate(SHOWN)
        assert all(choice in drawn for stage in candidate.arch.stages for choice in stage)
    assert page.faults == []


def test_buttons_change_the_score_and_the_cost_that_the_figures_show(page):
    label = "document.querySelector('#cost-plot svg').getAttribute('aria-label')"
    assert page.evaluate(label).startswith('hard AP')
    page.evaluate("[...byId('subsets').children].find((b) => b.textContent === 'easy').click()")
    page.evaluate("[...byId('costs').children].find((b) => b.textContent === 'parameters').click()")
    assert page.evaluate(label) == 'easy AP (%) against parameters of the detector'
    pressed = (
        "[...document.querySelectorAll('.segments [aria-pressed=true]')].map((b) => b.textContent)"
    )
    assert page.evaluate(pressed) == ['easy', 'parameters']


def test_pointing_at_a_dot_tells_of_it_and_a_click_draws_it(page, search):
    best = best_of(search[1])
    found = page.evaluate("""(() => {
      const svg = document.querySelector('#order-plot svg'), ring = svg.querySelectorAll('circle')[0];
      const box = svg.getBoundingClientRect();
      const at = { clientX: box.left + Number(ring.getAttribute('cx')),
        clientY: box.top + Number(ring.getAttribute('cy')), bubbles: true };
      svg.dispatchEvent(new PointerEvent('pointermove', at));
      const told = byId('tip').textContent;
      svg.dispatchEvent(new PointerEvent('pointerleave', at));
      return [told, byId('tip').hidden];
    })()""")
    assert found[0].startswith(f'candidate {best.index}easy') and found[1] is True
    place = search[1].index(min(search[1], key=lambda one: one.scores['hard']))
    page.evaluate(f"""(() => {{
      select({place});
      const svg = document.querySelector('#cost-plot svg'), ring = svg.querySelectorAll('circle')[0];
      const box = svg.getBoundingClientRect(), at = {{ clientX: box.left + Number(ring.getAttribute('cx')),
        clientY: box.top + Number(ring.getAttribute('cy')), bubbles: true }};
      select(data.best[0].place);
      svg.dispatchEvent(new MouseEvent('click', at));
    }})()""")
    assert page.evaluate('state.place') == place


def test_a_row_of_the_best_is_chosen_by_mouse_and_keyboard(page):
    row = "document.querySelectorAll('#best tbody tr')"
    page.evaluate(f'{row}[2].click()')
    assert page.evaluate(f"{row}[2].getAttribute('aria-selected')") == 'true'
    assert page.evaluate('state.place === data.best[2].place')
    page.evaluate(f"{row}[1].dispatchEvent(new KeyboardEvent('keydown', {{ key: 'Enter' }}))")
    assert page.evaluate('state.place === data.best[1].place')
    command = page.evaluate(f"{row}[0].querySelector('code').textContent")
    assert command.startswith('python tools/export_subnet.py') and 'supernet.pth' in command
    page.evaluate(f"{row}[0].querySelector('button').click()")
    page.wait_for(f"{row}[0].querySelector('button').textContent === 'copied'")
    assert page.evaluate('state.place === data.best[1].place'), 'copying chooses nothing'


def test_effects_are_those_of_the_data(page, search):
    effects = page.evaluate('JSON.stringify(data.effects.hard.slots[0][0])')
    rows = page.evaluate(
        "[...document.querySelectorAll('#slots .slot')][0].querySelectorAll('.effect:not(.head)').length"
    )
    assert rows == len(json.loads(effects))
    mean = json.loads(effects)['dw5'][1]
    text = page.evaluate("[...document.querySelectorAll('#slots .effect')].find((e) => "
                         "e.firstChild.textContent === 'dw5').children[2].textContent")  # fmt: skip
    assert text == f'+{mean:.2f}'


@pytest.mark.parametrize('dark', [False, True])
def test_the_page_fits_a_telephone_and_follows_the_users_colours(page, dark):
    page.look_like(390, 844, dark)
    page.wait_for("document.querySelector('#cost-plot svg').clientWidth < 390")
    assert page.evaluate('document.documentElement.scrollWidth') == 390
    colour = 'getComputedStyle(document.body).backgroundColor'
    assert (page.evaluate(colour) == 'rgb(17, 20, 23)') == dark
    page.evaluate("byId('theme').click()")
    assert (page.evaluate(colour) == 'rgb(17, 20, 23)') != dark
    assert page.faults == []


def test_a_light_space_and_a_single_candidate_are_drawn_too(browser, tmp_path):
    browser.faults.clear()
    for name, number, space in (('light', 40, LIGHT), ('one', 1, None)):
        folder = tmp_path / name
        fake_search(folder, number, *([space] if space else []))
        browser.open(write_report(folder).as_uri())
        assert browser.evaluate("document.querySelectorAll('#drawing svg').length") == 1
        assert browser.evaluate("document.querySelectorAll('#edges td').length") > 0
    assert browser.faults == []


def test_a_name_with_markup_is_shown_as_text(browser, tmp_path):
    fake_search(tmp_path, 4)
    evil = '</script><script>window.broken = 1</script>'
    found: SearchFile = identity(fixed=dict(backbone=evil))
    found.write(tmp_path / 'search.json')
    browser.open(write_report(tmp_path).as_uri())
    assert browser.evaluate('window.broken === undefined')
    assert evil in browser.evaluate("byId('facts').textContent")


@pytest.mark.parametrize('dark', [False, True], ids=['light', 'dark'])
def test_denoised_scores_their_errors_and_the_warning_are_seen(browser, tmp_path, dark):
    noisy_search(tmp_path, noise=0.1)
    browser.faults.clear()
    browser.look_like(1280, 900, dark)
    browser.open(write_report(tmp_path, best=5).as_uri())
    said = browser.evaluate("document.querySelector('#trust').textContent")
    assert 'Reliability' in said and 'too few to rank' in said
    assert browser.evaluate("document.querySelector('#trust').hidden") is False
    row = browser.evaluate("document.querySelector('#best tbody tr').textContent")
    assert '± 7.07' in row
    head = browser.evaluate("document.querySelector('#best thead').textContent")
    assert 'denoised hard' in head and 'naswot' in head
    buttons = "[...document.querySelectorAll('#subsets button')].map((one) => one.textContent)"
    assert browser.evaluate(buttons) == ['easy', 'medium', 'hard', 'denoised hard']
    # Errors are known of the raw scores only.
    assert browser.evaluate("document.querySelectorAll('#cost-plot .error').length") == 0
    browser.evaluate("state.metric = 'hard'; refresh()")
    assert browser.evaluate("document.querySelectorAll('#cost-plot .error').length") == 1
    assert browser.faults == []


@pytest.mark.parametrize('width', [1280, 390], ids=['desktop', 'telephone'])
def test_a_search_in_the_pools_space_shows_what_trained_networks_say(browser, tmp_path, width):
    found = PoolVerdict.read(VERDICT_FILE)
    fake_search(tmp_path, 10, LIGHT)
    search = SearchFile.read(tmp_path / 'search.json')
    replace(search, space=found.space).write(tmp_path / 'search.json')
    browser.faults.clear()
    browser.look_like(width, 900)
    browser.open(write_report(tmp_path).as_uri())
    assert browser.evaluate("byId('verdict').hidden") is False
    assert browser.evaluate("document.querySelectorAll('#taus .tau').length") == len(found.taus)
    row = "[...document.querySelectorAll('#regrets tbody tr')].at(-1).textContent"
    costs = ''.join(f'{points:.1f}' for points in found.regrets[RANDOM].values())
    assert browser.evaluate(row) == f'{RANDOM}{costs}'
    said = browser.evaluate("byId('verdict-said').textContent")
    assert f'{found.trainings} trainings' in said and f'{found.ceiling:.2f}' in said
    assert browser.evaluate('document.documentElement.scrollWidth') <= width
    assert browser.faults == []


def test_a_search_in_another_space_shows_no_verdict(page):
    assert page.evaluate("byId('verdict').hidden") is True
    assert page.evaluate("document.querySelectorAll('#taus svg').length") == 0
