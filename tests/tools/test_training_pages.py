"""Pages of trainings, from the records of a real one: what they hold, and how they look in Chromium."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.errors import UserError
from mmbfbox.pipeline.run_report import PAGE, read_run, write_comparison, write_training_report
from tests.chromium import Chromium
from tests.running_tools import TOOLS, failure, run

CONFIG = 'demo/retinanet_r18_fpn_demo'
RECORDS = sorted((TOOLS.parent / 'benchmarks/records/light').glob('*.json'))[:2]


@pytest.fixture(scope='module')
def trained(data, tmp_path_factory) -> Path:
    """A baseline trained for six iterations in two starts, validated each two, and tested."""
    folder = tmp_path_factory.mktemp('pages') / 'final'
    short = [
        'default_hooks.logger.interval=1', 'train_cfg.val_interval=2', 'train_dataloader.num_workers=0',
        'train_dataloader.batch_size=4', 'default_hooks.checkpoint.interval=2',
        'val_dataloader.num_workers=0', 'experiment_name=pages',
    ]  # fmt: skip
    where = ['--work-dir', folder, '--data-root', data]
    for end, resume in ((4, []), (6, ['--resume'])):
        # Its own visualizer, as each process has: it decides where the log goes.
        own = f'visualizer.name=until_{end}'
        options = ['--cfg-options', f'train_cfg.max_iters={end}', own, *short]
        run('train', CONFIG, *resume, *where, *options)
    tested = folder.with_name('final_test')
    run(
        'test', CONFIG, folder / 'iter_6.pth', '--work-dir', tested, '--data-root', data, '--number', 4,
        '--pictures', tested / 'pictures',
        '--cfg-options', 'test_dataloader.num_workers=0', 'experiment_name=pages_test',
        'visualizer.name=pages_test',
    )  # fmt: skip
    return folder


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding='utf-8')
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def logged(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob('*/vis_data/scalars.json'))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_training_leaves_a_page_of_its_curves_and_validations(trained):
    (one,) = data_of(trained / PAGE)['runs']
    losses = {line['iter']: line['loss'] for line in logged(trained) if 'iter' in line}
    assert list(losses) == [1, 2, 3, 4, 5, 6]
    assert [point[0] for point in one['curves']['loss']] == list(losses)
    assert np.allclose([point[1] for point in one['curves']['loss']], [*losses.values()], rtol=1e-4)
    assert {'loss_cls', 'loss_bbox', 'lr'} <= set(one['curves'])
    hard = [100 * line['wider/hard'] for line in logged(trained) if 'wider/hard' in line]
    assert [point[0] for point in one['validation']['hard']] == [2, 4, 6]
    # The second start makes the validation at the end of the first one anew.
    assert len(list(trained.glob('*/vis_data/scalars.json'))) == 2 and hard[1] == hard[2]
    expected = [hard[0], *hard[2:]]
    assert [point[1] for point in one['validation']['hard']] == pytest.approx(expected, abs=1e-3)
    assert one['iterations'] == 6 and one['seconds'] > 0
    assert ['optimizer', 'AdamW'] in one['facts'] and ['seed', '0'] in one['facts']


def test_the_page_of_a_test_has_its_scores_and_pictures_and_needs_no_other_file(trained, tmp_path):
    run('training_report', trained, '--out', tmp_path / 'page.html')
    page = data_of(tmp_path / 'page.html')
    scores = Metrics.read(trained.with_name('final_test') / 'metrics.json').short_scores()
    assert page['runs'][0]['scores'] == {name: round(100 * ap, 3) for name, ap in scores.items()}
    titles = [picture['title'] for picture in page['pictures']]
    assert titles == ['Detections', 'Images with the most errors']
    for picture in page['pictures']:
        assert picture['source'].startswith('data:image/jpeg;base64,')
        content = base64.b64decode(picture['source'].split(',')[1])
        assert cv2.imdecode(np.frombuffer(content, np.uint8), 1).shape[0] > 100
    text = (tmp_path / 'page.html').read_text(encoding='utf-8')
    outside = re.sub(r'http://www\.w3\.org/2000/svg', '', text)
    assert 'http' not in outside and 'src="' not in outside and '@import' not in outside


def test_several_runs_are_shown_with_what_differs(trained, tmp_path):
    out = tmp_path / 'compared.html'
    run('compare', trained, *RECORDS, '--out', out)
    first, *records = data_of(out)['runs']
    assert first['name'] == 'final' and len({one['name'] for one in records}) == 2
    for one, file in zip(records, RECORDS):
        record = json.loads(file.read_text())
        assert one['curves']['loss'] == record['curve']
        assert one['scores']['hard'] == pytest.approx(100 * record['scores']['hard'])
    changed = {key for file in RECORDS for key in json.loads(file.read_text())['options']}
    assert set(first['settings']) == changed
    # Runs of one name are told apart by their folders.
    write_comparison([trained, trained.parent / '.' / 'final'], out)
    assert data_of(out)['runs'][0]['name'] == f'{trained.parent.name}/final'
    assert data_of(out)['runs'][0]['settings'] == {}


def test_a_log_that_was_cut_off_is_read_to_where_it_goes(trained, tmp_path):
    file = sorted(trained.glob('*/vis_data/scalars.json'))[0]
    copy = tmp_path / 'run/20260101_000000/vis_data/scalars.json'
    copy.parent.mkdir(parents=True)
    copy.write_text(file.read_text().rstrip()[:-20])
    assert read_run(tmp_path / 'run').curves['loss'][:3] == read_run(trained).curves['loss'][:3]


def test_what_is_no_training_or_of_another_version_is_one_sentence(trained, tmp_path, capsys):
    assert 'holds no training' in failure(capsys, 'training_report', tmp_path)
    assert 'there is no' in failure(capsys, 'compare', tmp_path / 'gone', trained)
    assert 'give two or more' in failure(capsys, 'compare', trained)
    (tmp_path / 'run').mkdir()
    (tmp_path / 'run/training.json').write_text('{"schema": 99}')
    said = failure(capsys, 'compare', trained, tmp_path / 'run', '--out', tmp_path / 'c.html')
    assert 'training.json is the record of a training of schema 99' in said and 'update' in said
    newer = json.loads(RECORDS[0].read_text()) | dict(schema=99)
    (tmp_path / 'newer.json').write_text(json.dumps(newer))
    said = failure(capsys, 'training_report', tmp_path / 'newer.json')
    assert 'newer.json is the record of a run of schema 99' in said
    assert not (tmp_path / 'c.html').exists()
    with pytest.raises(UserError, match='no metrics.json'):
        write_training_report(trained, test=tmp_path)
    with pytest.raises(UserError, match='there is no folder'):
        write_training_report(trained, pictures=tmp_path / 'gone')


@pytest.fixture(scope='module')
def browser() -> Iterator[Chromium]:
    with Chromium() as page:
        yield page


def test_one_training_in_chromium(browser, trained):
    write_training_report(trained)
    browser.look_like(1280, 900)
    browser.open((trained / PAGE).as_uri())
    assert browser.evaluate('document.title') == 'Training report: final'
    visible = "[...document.querySelectorAll('h2')].filter((h) => h.offsetParent).map((h) => h.textContent)"
    assert browser.evaluate(visible) == [
        'Average precision of the test', 'Average precision over time', 'Curves of the training',
        'Detections', 'Images with the most errors', 'What it was made from',
    ]  # fmt: skip
    lines = "document.querySelectorAll('#curve-plot path.curve').length"
    assert browser.evaluate(lines) == 3 and len(trained.name) == 5
    browser.evaluate("[...byId('curves').children].find((b) => b.textContent === 'lr').click()")
    assert browser.evaluate(lines) == 1
    browser.evaluate("[...byId('scale').children][1].click()")
    assert browser.evaluate("byId('scale').children[1].getAttribute('aria-pressed')") == 'true'
    assert browser.evaluate("document.querySelectorAll('#ap-plot path.curve').length") == 3
    hover = (
        "document.querySelector('#curve-plot svg').dispatchEvent(new PointerEvent('pointermove',"
        ' {clientX: 600, clientY: 500, bubbles: true})); byId("tip").textContent'
    )
    assert re.fullmatch(r'iteration \dlr .*', browser.evaluate(hover))
    loaded = (
        "Promise.all([...document.images].map((i) => { i.loading = 'eager'; return i.decode(); }))"
    )
    assert browser.evaluate(f'{loaded}.then((all) => all.length)') == 2
    assert browser.faults == []


@pytest.mark.parametrize('dark', [False, True])
def test_pages_fit_a_telephone_and_follow_the_users_colours(browser, trained, tmp_path, dark):
    write_comparison([trained, *RECORDS], tmp_path / 'compared.html')
    browser.look_like(390, 844, dark)
    for page in (trained / PAGE, tmp_path / 'compared.html'):
        browser.open(page.as_uri())
        assert browser.evaluate('document.documentElement.scrollWidth') == 390
        ground = browser.evaluate('getComputedStyle(document.body).backgroundColor')
        assert (ground == 'rgb(17, 20, 23)') == dark
        browser.evaluate("byId('theme').click()")
        other = browser.evaluate('getComputedStyle(document.body).backgroundColor')
        assert (other == 'rgb(17, 20, 23)') != dark
    best = "[...document.querySelectorAll('#scores td.best')].length"
    assert browser.evaluate(best) == 3
    assert browser.faults == []
