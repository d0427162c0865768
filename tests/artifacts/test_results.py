"""metrics.json, test_settings.json, summary.json and the notes in checkpoints: written, read, upgraded."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from mmbfbox.artifacts.checkpoint_meta import ExportMeta, PublishMeta
from mmbfbox.artifacts.evaluation_summary import EvaluationSummary
from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.artifacts.test_settings import TestSettings
from mmbfbox.errors import UserError

PLAIN = TestSettings('original size', score_thr=0.01, nms_iou=0.3, max_per_img=750)


def test_a_number_that_does_not_exist_is_null_in_the_file_and_nan_when_read(tmp_path: Path) -> None:
    path = tmp_path / 'metrics.json'
    results = {'all/wider/hard': 0.5, 'all/wider/easy': math.nan, 'p2/wider/hard': math.nan}
    Metrics.of_results(results, PLAIN).write(path)

    def refuse(word: str) -> None:
        raise AssertionError(f'{word} is no JSON')

    stored = json.loads(path.read_text(), parse_constant=refuse)
    assert stored['scores'] == {'wider/hard': 0.5, 'wider/easy': None}
    read = Metrics.read(path)
    assert read.scores['wider/hard'] == 0.5 and math.isnan(read.scores['wider/easy'])
    assert math.isnan(read.levels['p2']['wider/hard'])
    assert read.short_scores()['hard'] == 0.5
    assert read.settings == PLAIN
    EvaluationSummary({}, {'a': {'easy': math.nan, 'hard': 0.25}}).write(path)
    again = EvaluationSummary.read(path).results['a']
    assert math.isnan(again['easy']) and again['hard'] == 0.25


OLD_SETTINGS = dict(
    scheme='multi-scale',
    tta=dict(preset='dsfd', vote_iou=0.3, singletons='drop'),
    score_thr=0.01,
    nms_iou=0.3,
    max_per_img=750,
)


def test_files_of_the_first_layouts_are_read(tmp_path: Path) -> None:
    path = tmp_path / 'test_settings.json'
    scores = {'wider/easy': 0.5, 'wider/hard': math.nan}
    path.write_text(json.dumps({**scores, 'settings': OLD_SETTINGS}))
    old = Metrics.read(path)
    assert old.scores['wider/easy'] == 0.5 and math.isnan(old.scores['wider/hard'])
    assert old.settings == TestSettings.read(path) == TestSettings.beside(tmp_path)
    assert str(old.settings) == 'multi-scale (dsfd, vote_iou 0.3, singletons drop)'
    path.write_text(json.dumps({'all/wider/hard': 0.5, 'p3/wider/hard': 0.25}))
    assert Metrics.read(path) == Metrics({'wider/hard': 0.5}, {'p3': {'wider/hard': 0.25}})
    rows = {'a': {'easy': None, 'hard': 0.5}}
    path.write_text(json.dumps({'settings': {}, 'tested at': {'a': 'vga'}, 'results': rows}))
    summary = EvaluationSummary.read(path)
    assert summary.tested_at == {'a': 'vga'} and math.isnan(summary.results['a']['easy'])


@pytest.mark.parametrize(
    'content', [{}, {'wider/hard': '0.5'}, {'wider/hard': True}, {'settings': OLD_SETTINGS}, [1]]
)
def test_what_is_no_result_is_refused(tmp_path: Path, content: Any) -> None:
    path = tmp_path / 'metrics.json'
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match='damaged or not the results of a test'):
        Metrics.read(path)


def test_settings_that_decide_about_boxes_are_told_apart() -> None:
    def views(**tta: Any) -> TestSettings:
        return TestSettings('multi-scale', tta, 0.01, 0.3, 750)

    s3fd, mogface = views(preset='s3fd', vote_iou=0.3), views(preset='mogface', vote_iou=0.6)
    assert str(s3fd) != str(mogface) and s3fd.differences(mogface) == ['tta']
    assert views(scales=(0.5, 1)) == views(scales=[0.5, 1])
    assert views(scales=(0.5, 1)).differences(views(scales=(0.5, 1, 2))) == ['tta']
    assert s3fd.differences(PLAIN) == ['scheme', 'tta']
    other = TestSettings(
        'original size', score_thr=0.3, nms_iou=0.3, max_per_img=750, weights='ema'
    )
    assert PLAIN.differences(other) == ['score_thr']
    assert not PLAIN.differences(TestSettings('original size'))


def test_notes_of_a_checkpoint_leave_those_of_others_alone() -> None:
    meta = ExportMeta(dict(classes=('face',)), 'ema', arch='{}', recalibrated=True)
    stored = meta.to_meta()
    assert ExportMeta.of_checkpoint({**stored, 'mmengine_version': '0.10.7'}, 'a.pth') == meta
    assert PublishMeta.of_checkpoint(dict(cfg='a = 1', epoch=3), 'a.pth') == PublishMeta(
        cfg='a = 1'
    )
    with pytest.raises(UserError, match='update mmbfbox'):
        ExportMeta.of_checkpoint({'schema': 9}, 'a.pth')
