"""Which archs the benchmark of orders compares."""

from __future__ import annotations

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from benchmarks.search.order_correlation import draw, seed_of_archs
from mmbfbox.models import cost_table
from mmbfbox.utils.config import load_config
from mmbfbox.utils.quiet import build_quietly


def test_the_archs_are_not_those_of_the_trainings_first_iterations() -> None:
    init_default_scope('mmdet')
    config = load_config('demo/bfbox_search_demo')
    costs = cost_table(build_quietly(lambda: MODELS.build(config.model)), (128, 128))
    trained = {costs.space.to_json(costs.space.sample(0, index).canonical()) for index in range(24)}
    own, begun_earlier = (
        {row['arch'] for row in draw(costs, seed_of_archs(0, stream), 24)}
        for stream in ('own', 'training')
    )
    assert len(own & trained) < 3
    assert begun_earlier == trained
