"""Light supernets, with each norm, have the same score with both scorers."""

from __future__ import annotations

import copy

import pytest
import torch
from mmdet.registry import MODELS

from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.recalibration import batch_norms
from mmbfbox.utils.quiet import build_quietly
from tests.fixtures_models import GROUPS, light_model
from tests.search.scoring.fast.test_scorer import scored, small_search

BATCH_NORM = dict(type='BN')


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """The demo's search on few small images."""
    return small_search(tmp_path_factory.mktemp('data'))


def with_model(config, **keys):
    """The search of a light model, its weights, and some archs."""
    config = copy.deepcopy(config)
    config.model = light_model(**keys)
    config.model.test_cfg.score_thr = 0.005
    torch.manual_seed(0)
    model = build_quietly(lambda: MODELS.build(config.model))
    build_quietly(model.init_weights)
    space = space_of(model)
    return config, model.state_dict(), [space.sample(0, index) for index in range(3)]


@pytest.mark.parametrize(
    'keys',
    [
        dict(norm=None),
        dict(norm=GROUPS),
        dict(norm=GROUPS, stride=4),
        dict(norm=GROUPS, shared=False, share_branches=False, depthwise=True),
    ],
)
def test_detections_are_the_very_same_ones(config, keys):
    config, weights, archs = with_model(config, **keys)
    expected = scored(ReferenceScorer(config, weights, 'cpu'), archs)
    assert min(scores['number'] for scores in expected.values()) > 100
    scorer = FastScorer(config, weights, 'cpu')
    assert scored(scorer, scorer.prepare(archs)) == expected


def test_bfloat16_normalises_groups_too(config):
    config, weights, archs = with_model(config, norm=GROUPS)
    exact, rounded = (
        FastScorer(config, weights, 'cpu', precision=precision).score(archs[0])
        for precision in ('fp32', 'bf16')
    )
    assert rounded['weight'] == pytest.approx(exact['weight'], rel=0.1)


def test_batch_norm_of_neck_and_head_is_recalibrated_by_the_reference_scorer_only(config):
    config, weights, archs = with_model(config, norm=BATCH_NORM)
    with pytest.raises(UserError, match='set search.scorer.type to reference'):
        FastScorer(config, weights, 'cpu')
    subnet = ReferenceScorer(config, weights, 'cpu').subnet(archs[0])
    for part in (subnet.neck, subnet.bbox_head):
        assert batch_norms(part)
        for norm in batch_norms(part):
            assert norm.running_mean.abs().sum() > 0 and not (norm.running_var == 1).any()
