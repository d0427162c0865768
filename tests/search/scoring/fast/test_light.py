"""The fast scorer on a light space: its stem recalibrates two norms, and skips cost nothing."""

from __future__ import annotations

from itertools import product

import pytest
import torch

from mmbfbox.models import space_of
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.space import Arch
from tests.fixtures_models import skipping
from tests.search.scoring.fast.test_scorer import scored, small_search


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return skipping(small_search(tmp_path_factory.mktemp('data')))


@pytest.fixture(scope='module')
def archs(model):
    """Random ones, and a family of which every two share a beginning that ends with a skip."""
    space = space_of(model)
    first = space.sample(0, 0)
    family = [
        Arch(
            (('basic3', 'skip'), ('dw5e150', 'skip', one), (other, 'skip'), ('dw7',)), first.merges
        )
        for one, other in product(('skip', 'basic3'), ('dw7', 'conv3e50'))
    ]
    assert all(arch in space for arch in family)
    return [*family, *(space.sample(0, index) for index in range(3))]


@pytest.fixture(scope='module')
def expected(config, model, archs):
    return scored(ReferenceScorer(config, model.state_dict(), 'cpu'), archs)


@pytest.mark.parametrize('keys', [dict(), dict(cache_memory=0), dict(cache_memory=3e-3)])
def test_the_detections_are_those_of_the_reference(config, model, archs, expected, keys):
    assert min(scores['number'] for scores in expected.values()) > 100
    scorer = FastScorer(config, model.state_dict(), 'cpu', **keys)
    assert scored(scorer, scorer.prepare(archs)) == expected


def test_both_convolutions_of_the_stem_are_recalibrated(config, model, archs):
    weights = model.state_dict()
    scorer = FastScorer(config, weights, 'cpu')
    scorer.score(archs[0])
    backbone = ReferenceScorer(config, weights, 'cpu').subnet(archs[0]).backbone
    norms = scorer.network.norms(0)
    for norm, conv in zip(norms, (backbone.stem, backbone.down), strict=True):
        assert torch.equal(norm.pooled[0], conv.bn.running_mean)
        assert torch.equal(norm.pooled[1], conv.bn.running_var)
        assert not torch.equal(conv.bn.running_mean, torch.zeros_like(conv.bn.running_mean))


def test_an_arch_goes_on_from_before_the_skips_that_it_shares(config, model, archs, monkeypatch):
    scorer = FastScorer(config, model.state_dict(), 'cpu')
    first, second = scorer.prepare(archs[:2])
    # The stem, basic3, skip, dw5e150, skip and skip are common: only the last of them computes anything new.
    assert [choice for stage in first.stages for choice in stage][:5] == [
        choice for stage in second.stages for choice in stage
    ][:5]
    scorer.score(first, lambda *_: True)
    assert set(scorer.cache._kept) == {1, 4}
    advanced = []
    advance = scorer.network.advance
    monkeypatch.setattr(
        scorer.network,
        'advance',
        lambda *args, **keys: advanced.append(args[1]) or advance(*args, **keys),
    )
    scorer.score(second, lambda *_: True)
    assert min(advanced) == 4
