"""Every ingredient of the recommended training is a change that the config takes."""

from __future__ import annotations

import json

import pytest
from mmdet.registry import DATASETS, MODELS
from mmengine import Config
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope

from benchmarks.common.recorded_runs import mean_and_spread, set_option
from benchmarks.training.ingredients import CONFIG, INGREDIENTS, slug
from mmbfbox.errors import UserError
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly


@pytest.mark.parametrize('name', INGREDIENTS)
def test_an_ingredient_changes_what_is_built(name):
    config, base = load_config(CONFIG), load_config(CONFIG)
    for key, value in INGREDIENTS[name].items():
        set_option(config, key, value)
    assert (config.to_dict() == base.to_dict()) == (not INGREDIENTS[name])
    init_default_scope('mmdet')
    model = build_quietly(lambda: MODELS.build(config.model))
    build_optim_wrapper(model, config.optim_wrapper)
    dataset = config.train_dataloader.dataset
    dataset.lazy_init = True
    DATASETS.build(dataset)
    json.dumps(INGREDIENTS[name])


def test_names_of_records_are_different():
    assert len({slug(name) for name in INGREDIENTS}) == len(INGREDIENTS)


def test_a_part_that_is_not_there_is_named():
    with pytest.raises(UserError, match=r"has no 'Crop' of steps\.Crop\.size"):
        set_option(Config(dict(steps=[dict(type='Pad')])), 'steps.Crop.size', 3)


def test_spread_is_half_of_the_range():
    assert mean_and_spread([0.5, 0.52]) == '51.0 ±1.0'
    assert mean_and_spread([0.5]) == '50.0'
