"""search.recalibration='crops': candidates see the training crops that final networks are tested with."""

from __future__ import annotations

import copy

import pytest
import torch
from mmdet.registry import MODELS

from mmbfbox.engine.norm_shift import norm_shift, running_moments
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_model, subnet_weights
from mmbfbox.models import space_of
from mmbfbox.search import ReferenceScorer
from mmbfbox.search.identity import search_identity
from mmbfbox.search.scoring import data
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.norm_statistics import NormStatistics
from mmbfbox.search.scoring.recalibration import batch_norms
from mmbfbox.utils.quiet import build_quietly
from tests.search.scoring.fast.test_scorer import scored, small_search


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """The demo's search on few small images, recalibrated on crops of those that train."""
    config = small_search(tmp_path_factory.mktemp('data'))
    config.train_dataloader.dataset.update(held_out=10, recalibration=8)
    config.train_dataloader.batch_size = 4
    config.search.recalibration = 'crops'
    return config


def test_both_scorers_agree_and_crops_are_other_statistics_than_images(config, model):
    space, weights = space_of(model), model.state_dict()
    archs = [space.sample(0, index) for index in range(2)]
    reference = ReferenceScorer(config, weights, 'cpu')
    assert len(reference.images['recalibration']) == 20
    expected = scored(reference, archs)
    fast = FastScorer(config, weights, 'cpu')
    assert scored(fast, fast.prepare(archs)) == expected
    of_images = copy.deepcopy(config)
    of_images.search.recalibration = 'images'
    images_only = FastScorer(of_images, weights, 'cpu')
    assert scored(images_only, archs[:1])[archs[0]] != expected[archs[0]]
    crops, images = (search_identity(c, space, fast, b'', None, ()) for c in (config, of_images))
    assert crops.recalibration.pipeline != images.recalibration.pipeline
    assert crops.recalibration.file == images.recalibration.file != ''
    assert fast.identity()['recalibration_batch_size'] == 4


def test_a_final_network_is_tested_with_the_very_statistics_of_a_candidate(config, model):
    arch = space_of(model).sample(0, 0)
    candidate = ReferenceScorer(config, model.state_dict(), 'cpu').subnet(arch)
    final = build_quietly(lambda: MODELS.build(subnet_model(config.model, arch))).eval()
    final.load_state_dict(subnet_weights(model.state_dict(), arch))
    final.to(memory_format=torch.channels_last)
    NormStatistics(config, 'crops')(final)
    of_final, of_candidate = (running_moments(batch_norms(m)) for m in (final, candidate))
    assert norm_shift(of_candidate, of_final) < 1e-5


def test_what_cannot_be_recalibrated_on_is_one_sentence(config):
    wrong = copy.deepcopy(config)
    wrong.search.recalibration = 'patches'
    with pytest.raises(UserError, match="is 'patches', expected one of images, crops"):
        data.recalibration_loader(wrong)
    wrong.search.recalibration, wrong.train_dataloader = 'crops', None
    with pytest.raises(UserError, match='needs train_dataloader, whose crops they are'):
        data.recalibration_loader(wrong)
