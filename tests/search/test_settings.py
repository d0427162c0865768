"""Each key of a search with each odd value: it is taken, or refused in one sentence that names it."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from mmengine import ConfigDict

from mmbfbox.errors import UserError
from mmbfbox.search.constraints import COSTS, Constraints
from mmbfbox.search.denoising.settings import ScoreSettings, check_metric
from mmbfbox.search.finalists.settings import FinalistSettings
from mmbfbox.search.pruner import Pruner
from mmbfbox.search.samplers import build_sampler
from mmbfbox.search.samplers.build import SAMPLERS
from mmbfbox.search.scoring.build import check_scorer
from mmbfbox.search.scoring.data import recalibration_loader
from mmbfbox.search.scoring.latency import latency_settings
from mmbfbox.search.settings import NEEDED, OPTIONAL, check_settings
from mmbfbox.space import BackboneSpace, FpnSpace, JointSpace, freeze
from tests.abuse.strategies.configs import HUGE, ODD

SPACE = JointSpace(BackboneSpace(), FpnSpace((2, 3, 4, 5, 6, 7), (2, 3)))
RIGHT = dict(candidates=3, seed=0, metric='hard', size=(96, 96), constraints=None, best=1)
LOADERS = dict(recalibration_dataloader={}, train_dataloader=dict(dataset={}))
WITHIN = {
    'constraints': [(cost,) for cost in COSTS] + [(cost, end) for cost in COSTS for end in ('min', 'max')],
    'sampler': [('type',), ('population',), ('top',), ('mutation',), ('tournament',), ('batch',)],
    'freeze': [('backbone',), ('fpn',)],
    'latency': [('size',), ('warmup',), ('repeats',), ('backend',), ('threads',)],
    'pruner': [('keep',), ('round',), ('sigmas',)],
    # What has no default is checked by the scorer itself: test_faults.py.
    'score': [('resamples',), ('checkpoints',), ('zero_cost',)],
    'finalists': [(key.name,) for key in fields(FinalistSettings)],
    'scorer': [('type',), ('parts',), ('channels_last',), ('precision',)],
}  # fmt: skip
PLACES = [(key,) for key in (*NEEDED, *OPTIONAL)]
PLACES += [(key, *rest) for key, places in WITHIN.items() for rest in places]


def check(settings: dict[str, Any]) -> None:
    """All that reads settings before anything is computed."""
    search = ConfigDict(settings)
    check_settings(search)
    Constraints(search.constraints or {})
    build_sampler(search.get('sampler'), SPACE, 0, 'hard')
    Pruner.build(search.get('pruner'))
    latency_settings(search.get('latency'), (96, 96))
    check_scorer(search.get('scorer'))
    check_metric(search.metric, ScoreSettings.build(search.get('score')))
    FinalistSettings.build(search.get('finalists'))
    recalibration_loader(ConfigDict(search=search, **LOADERS))
    freeze(SPACE, search.get('freeze'))


def test_right_settings_are_taken() -> None:
    check(RIGHT)
    check(RIGHT | dict(constraints=dict(params=dict(max=1e6)), chunk=None, export=0))
    for name in SAMPLERS:
        check(RIGHT | dict(sampler=dict(type=name)))
    for name in ('reference', 'fast'):  # other tests register more
        check(RIGHT | dict(scorer=dict(type=name, parts=1)))
    check(RIGHT | dict(pruner=dict(keep=3, sigmas=2), scorer=dict(cache_memory=1, batch_size=None)))


@pytest.mark.parametrize('place', PLACES, ids='.'.join)
def test_odd_values_are_taken_or_named(place: tuple[str, ...]) -> None:
    refused = 0
    for value in (*ODD, HUGE, -HUGE):
        for part in reversed(place):
            value = {part: value}
        settings = RIGHT | value
        if place[0] == 'sampler' and len(place) > 1:
            own = 'evolution' if place[1] in ('top', 'mutation') else 'regularized_evolution'
            settings['sampler'] = {'type': own, **value['sampler']}
        try:
            check(settings)
        except UserError as error:
            refused += 1
            named = {place[-1], place[0].removesuffix('s'), 'the fixed part'}
            assert any(name in str(error) for name in named)
            assert len(str(error)) < 400
    assert refused > 5
