"""search.score: what it changes, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest
from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.search.denoising.settings import ScoreSettings, check_metric, last_checkpoints
from mmbfbox.search.scoring.checkpoints import MeanOfCheckpoints


def test_the_metric_of_the_held_out_images_tells_its_noise():
    config = Config(dict(held_out_evaluator=[dict(type='WiderFaceMetric'), dict(type='Other')]))
    ScoreSettings.build(dict(resamples=50)).use(config)
    assert config.held_out_evaluator[0] == dict(type='WiderFaceMetric', resamples=50)
    assert ScoreSettings.build(None) is None


@pytest.mark.parametrize(
    'settings, sentence',
    [
        (dict(resamples=1), 'search.score.resamples is 1, expected a whole number of 2 or more'),
        (dict(checkpoints=0), 'search.score.checkpoints is 0'),
        (dict(zero_cost=['synflow']), 'expected a list of some of naswot, zico'),
        (dict(zero_cost='zico'), 'expected a list of some of naswot, zico'),
        (dict(fit=True), "has the key 'fit'; expected resamples, checkpoints, zero_cost"),
        ('fit', r'expected a dict with keys of resamples, .* write dict\(\) for the defaults'),
    ],
)
def test_a_wrong_value_is_one_sentence(settings, sentence):
    with pytest.raises(UserError, match=sentence):
        ScoreSettings.build(settings)


def test_the_mean_of_the_three_is_a_metric_where_it_is_measured():
    check_metric('mean', ScoreSettings())
    check_metric('medium', None)
    with pytest.raises(UserError, match=r"'mean' needs search.score=dict\(\)"):
        check_metric('mean', None)
    with pytest.raises(UserError, match="is 'best', expected easy, medium, hard or mean"):
        check_metric('best', None)
    with pytest.raises(UserError, match='needs a WiderFaceMetric'):
        ScoreSettings().use(Config(dict(held_out_evaluator=dict(type='Other'))))


def test_the_last_checkpoints_of_a_training_are_found(tmp_path: Path):
    for name in ('iter_900.pth', 'iter_1200.pth', 'iter_1100.pth', 'iter_1300.pth', 'best.pth'):
        (tmp_path / name).touch()
    found = last_checkpoints(tmp_path / 'iter_1200.pth', 3)
    assert [path.name for path in found] == ['iter_1200.pth', 'iter_1100.pth', 'iter_900.pth']
    with pytest.raises(UserError, match='checkpoints is 4, and .* has 3 up to iter_1200.pth'):
        last_checkpoints(tmp_path / 'iter_1200.pth', 4)
    assert last_checkpoints(tmp_path / 'best.pth', 1) == [tmp_path / 'best.pth']


class Constant:
    """Gives every arch the same scores."""

    images = dict(held_out=['a'], recalibration=['b'])

    def __init__(self, score: float) -> None:
        self.value = score

    def identity(self):
        return dict(type='fast', parts=4)

    def prepare(self, archs):
        return list(archs)

    def score(self, arch, keep=None):
        return dict(hard=self.value, hard_error=0.5)


def test_scores_of_several_checkpoints_are_averaged_and_part_of_the_identity():
    scorer = MeanOfCheckpoints([Constant(0.25), Constant(0.75)], ['aa', 'bb'])
    assert scorer.score('arch') == dict(hard=0.5, hard_error=0.5)
    assert scorer.identity() == dict(type='fast', parts=4, checkpoints=['aa', 'bb'])
    assert scorer.prepare(['x', 'y']) == ['x', 'y']
