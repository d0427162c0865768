"""Two processes train like one with the joined batch, and reduce only what the path uses."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
import torch
from mmengine.model import is_model_wrapper
from mmengine.registry import MODEL_WRAPPERS

from mmbfbox.engine import BFloat16OptimWrapper, PathDataParallel
from mmbfbox.errors import UserError
from mmbfbox.export import subnet_weights
from mmbfbox.models import set_arch, space_of
from tests.engine.distributed import process_scenarios as scenarios
from tests.engine.distributed import process_training as training
from tests.fixtures_models import skipping
from tests.two_processes import RANKS as BOTH
from tests.two_processes import run_in_two


@pytest.fixture(scope='module')
def ranks(tmp_path_factory) -> list[dict[str, Any]]:
    """What each scenario returned on each rank."""
    folder = tmp_path_factory.mktemp('ranks')
    run_in_two('tests.engine.distributed.process_scenarios', folder)
    return [torch.load(folder / f'{rank}.pth', weights_only=True) for rank in BOTH]


def same(first: dict[str, Any], second: dict[str, Any]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def close(first: dict[str, Any], second: dict[str, Any]) -> None:
    assert first.keys() == second.keys()
    for name in first:
        assert torch.allclose(first[name], second[name], rtol=1e-4, atol=1e-6), name


def test_two_ranks_train_like_one_process_with_the_joined_batch(ranks):
    """Four steps with four paths; ranks have different numbers of faces, one image has none."""
    expected = training.train(training.supernet(), BOTH)
    for one, two, joined in zip(*(rank['joined_batch'] for rank in ranks), expected, strict=True):
        assert same(one, two)
        close(one, joined)


def test_two_ranks_train_like_one_process_where_slots_are_skipped(ranks):
    expected = training.train(training.supernet(kind=skipping), BOTH)
    space = space_of(training.supernet(kind=skipping))
    paths = [
        choice
        for step in range(training.STEPS)
        for s in space.sample(7, step).stages
        for choice in s
    ]
    assert 2 < paths.count('skip') < len(paths) / 2
    for one, two, joined in zip(*(rank['skips'] for rank in ranks), expected, strict=True):
        assert same(one, two)
        close(one, joined)


def test_boxes_that_weigh_as_much_as_their_scores_weigh_the_same_on_two_ranks(ranks):
    """Also while all scores together are below 1, which is what quality focal loss starts with."""
    faceless = ((), (1,), (0, 1), ())
    expected = training.train(training.light_supernet(), BOTH, faceless=faceless)
    assert not same(expected[0], expected[1])
    for one, two, joined in zip(*(rank['light'] for rank in ranks), expected, strict=True):
        assert same(one, two)
        close(one, joined)


def test_batches_without_any_face_on_one_rank_or_on_both_mean_the_same(ranks):
    """Nobody waits for ever, and the ranks still train like one process with the joined batch."""
    args = training.supernet(), BOTH, len(scenarios.FACELESS), scenarios.FACELESS
    expected = training.train(*args)
    assert not same(expected[-1], expected[-2])  # background is learnt from faceless images
    for one, two, joined in zip(*(rank['no_faces'] for rank in ranks), expected, strict=True):
        assert same(one, two)
        close(one, joined)


def test_baselines_under_mmengines_own_wrapper_train_like_one_process_too(ranks):
    """Because the head divides by the positives of all ranks; mmdet's own divides by each rank's."""
    expected = training.train_plain(training.plain_network(), BOTH)
    assert same(*(rank['baseline'] for rank in ranks))
    close(ranks[0]['baseline'], expected)


def test_parameters_off_the_path_do_not_move_by_one_bit(ranks):
    """With momentum and weight decay, over steps with different paths."""
    states = ranks[0]['joined_batch']
    space = space_of(training.supernet())
    for step, (before, after) in enumerate(itertools.pairwise(states)):
        allowed = {id(value) for value in subnet_weights(after, space.sample(7, step)).values()}
        moved = {name for name in after if not torch.equal(before[name], after[name])}
        assert moved and {id(after[name]) for name in moved} <= allowed


def test_accumulated_gradients_are_reduced_once_for_each_update(ranks):
    model = training.supernet()
    expected = training.train(model, BOTH, steps=2, accumulative_counts=2)[-1]
    for rank in ranks:
        first, second = rank['accumulation']['sent']
        assert first == 0 and second > 0
        close(rank['accumulation']['state'], expected)


def test_gradients_of_all_accumulated_paths_are_reduced(ranks):
    model = training.supernet()
    for step in range(2):
        set_arch(model, space_of(model).sample(7, step))
        batch = model.data_preprocessor(training.batch(step, BOTH), training=True)
        model.parse_losses(model(**batch, mode='loss'))[0].backward()
    expected = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    one, two = (rank['paths_of_one_update'] for rank in ranks)
    assert same(one, two)
    close(one, expected)


def test_bfloat16_works_on_two_ranks(ranks):
    one, two = (rank['bf16'] for rank in ranks)
    assert same(one[-1], two[-1]) and not same(one[0], one[-1])
    joined = training.train(training.supernet(), BOTH, steps=2, kind=BFloat16OptimWrapper)
    for name, value in joined[-1].items():
        assert torch.allclose(one[-1][name], value, atol=2e-3), name


def test_a_gradient_that_one_rank_has_reaches_all_and_one_that_none_has_stays_none(ranks):
    for rank in ranks:
        gradients = {name[:4].rstrip('.'): value for name, value in rank['branches'].items()}
        assert gradients['none'] is None
        assert torch.equal(gradients['a.we'], torch.full((1, 2), 1.0))
        assert torch.equal(gradients['b.we'], torch.full((1, 2), 2.0))
        assert torch.equal(gradients['both'], torch.full((1, 2), 3.0))


def test_a_gradient_scaler_unscales_averages_and_all_ranks_skip_together(ranks):
    for rank in ranks:
        result = rank['scaler']
        assert torch.equal(result['gradients'][0], torch.full((1, 2), 2.0))
        assert result['moved'] == [True, False]
        assert result['scale'] == 4.0


@pytest.mark.parametrize(
    ('scenario', 'message'),
    [
        ('other_paths', 'disagree on the active path: rank 0 has .c2: .*same sampling seed'),
        ('other_gradients', 'disagree on the parameters that got a gradient.*parts.0.*parts.1'),
        ('other_models', 'disagree on the model: rank 0 has .weight .1, 2.'),
    ],
)
def test_ranks_that_disagree_end_in_one_sentence_on_every_rank(ranks, scenario, message):
    said = [rank[scenario] for rank in ranks]
    assert said[0] == said[1]
    assert re.search(message, said[0]) and '\n' not in said[0]


def test_ranks_that_part_are_noticed_at_the_next_check(ranks):
    """Until then nobody waits for ever."""
    for rank in ranks:
        said = rank['late_disagreement']
        assert said[:4] == [''] * 4 and 'disagree' in said[4]


def test_an_average_of_weights_follows_the_detector(ranks):
    for rank in ranks:
        before, after, now = (rank['average'][name] for name in ('before', 'after', 'now'))
        assert before.keys() == now.keys()
        moved = [name for name in now if not torch.equal(before[name], now[name])]
        assert moved
        for name in moved:
            mean = (before[name] + now[name]) / 2
            assert torch.allclose(after[name], mean, atol=1e-7), name


def test_a_config_with_the_key_of_an_earlier_version_works_with_one_line_of_notice(ranks):
    assert len(ranks[0]['older_key']) == 1
    assert 'bucket_mb of PathDataParallel has no effect' in ranks[0]['older_key'][0]


def test_the_wrapper_is_one_that_mmengine_knows():
    assert MODEL_WRAPPERS.get('PathDataParallel') is PathDataParallel
    assert is_model_wrapper(PathDataParallel.__new__(PathDataParallel))


def test_the_wrapper_wants_several_processes():
    with pytest.raises(UserError, match='dist_train.sh'):
        PathDataParallel(torch.nn.Linear(1, 1))
    with pytest.raises(UserError, match='check_interval'):
        PathDataParallel(torch.nn.Linear(1, 1), check_interval=-1)
