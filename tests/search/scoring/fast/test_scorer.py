"""The fast scorer gives the scores of the reference scorer, whatever came before."""

from __future__ import annotations

import copy

import pytest
import torch
from mmdet.registry import METRICS
from mmengine.evaluator import BaseMetric
from mmengine.registry import init_default_scope

from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.errors import UserError
from mmbfbox.models import space_of
from mmbfbox.search import ReferenceScorer, ScoreError, build_scorer
from mmbfbox.search.scoring.build import complete_identity
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.fast import scorer as fast_scorer
from mmbfbox.utils.config import load_config
from mmbfbox.utils.data_root import set_data_root


@METRICS.register_module()
class DetectionSums(BaseMetric):
    """Sums over all detections: equal only if the boxes are, which AP of an untrained net is not."""

    def process(self, data_batch, data_samples):
        for sample in data_samples:
            found = sample['pred_instances']
            boxes, scores = found['bboxes'].double(), found['scores'].double()
            self.results.append((len(scores), float((boxes.sum(1) * scores).sum())))

    def compute_metrics(self, results):
        return dict(number=sum(n for n, _ in results), weight=sum(w for _, w in results))


def small_search(folder):
    """The demo's search on few small images, which are put into a folder."""
    make_demo_data(folder, seed=0, train=30, val=2, size=96)
    init_default_scope('mmdet')
    config = load_config('demo/bfbox_search_demo')
    set_data_root(config, folder)
    for loader in (config.held_out_dataloader, config.recalibration_dataloader):
        loader.batch_size = 3
        loader.dataset.update(held_out=10, recalibration=8)
        for step in loader.dataset.pipeline:
            if step['type'] in ('Resize', 'Pad'):
                step.update({'scale' if step['type'] == 'Resize' else 'size': (96, 96)})
    config.held_out_evaluator = [config.held_out_evaluator, dict(type='DetectionSums')]
    return config


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    return small_search(tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module')
def weights(model):
    return model.state_dict()


@pytest.fixture(scope='module')
def archs(model):
    space = space_of(model)
    first = [space.sample(0, index) for index in range(8)]
    # The same backbone with other merges, and the very same arch again.
    return [*first, type(first[0])(first[2].stages, first[3].merges), first[5]]


@pytest.fixture(scope='module')
def expected(config, weights, archs):
    scorer = ReferenceScorer(config, weights, 'cpu')
    return scored(scorer, archs)


def scored(scorer, archs):
    """All that is scored but ``easy``: no face of these images is so large."""
    results = {arch: scorer.score(arch) for arch in archs}
    return {arch: {k: v for k, v in r.items() if k != 'easy'} for arch, r in results.items()}


def test_the_detections_are_the_very_same_ones(config, weights, archs, expected):
    assert min(scores['number'] for scores in expected.values()) > 100
    scorer = FastScorer(config, weights, 'cpu')
    assert scored(scorer, scorer.prepare(archs)) == expected


@pytest.mark.parametrize('keys', [dict(frozen_stages=2), dict(norm_eval=True)])
def test_frozen_norms_keep_the_statistics_of_the_supernet_in_both_scorers(
    config, weights, archs, expected, keys
):
    frozen = copy.deepcopy(config)
    frozen.model.backbone.update(keys)
    found = scored(ReferenceScorer(frozen, weights, 'cpu'), archs)
    assert found.keys() == expected.keys() and found != expected
    scorer = FastScorer(frozen, weights, 'cpu')
    assert scored(scorer, scorer.prepare(archs)) == found


@pytest.mark.parametrize('memory', [dict(cache_memory=0), dict(cache_memory=3e-3, image_memory=0)])
def test_little_memory_and_any_order_change_no_score(config, weights, archs, expected, memory):
    scorer = FastScorer(config, weights, 'cpu', **memory)
    scorer.prepare(archs)
    assert scored(scorer, archs) == expected
    assert scorer.cache.used <= scorer.cache.budget


def test_supernet_stays_as_it_was_also_after_an_exception(
    config, weights, archs, expected, monkeypatch
):
    before = copy.deepcopy(weights)
    scorer = FastScorer(config, weights, 'cpu')
    resident = copy.deepcopy(scorer.network.model.state_dict())
    scorer.score(archs[0])

    def fail(*arguments):
        raise RuntimeError('broken')

    with monkeypatch.context() as patch:
        patch.setattr(fast_scorer, 'detect', fail)
        with pytest.raises(RuntimeError):
            scorer.score(archs[1])
        patch.setattr(scorer.network, 'outputs', fail)
        with pytest.raises(RuntimeError):
            scorer.score(archs[2])
    with monkeypatch.context() as patch:
        patch.setattr(scorer._pixels['recalibration'], 'pixels', fail)
        scorer.cache.cut(0)
        with pytest.raises(RuntimeError):
            scorer.score(archs[3])
    assert scored(scorer, archs[1:4]) == {arch: expected[arch] for arch in archs[1:4]}
    for state, earlier in ((weights, before), (scorer.network.model.state_dict(), resident)):
        assert all(torch.equal(state[name], earlier[name]) for name in earlier)


def test_a_candidate_that_is_given_up_leaves_the_next_ones_right(config, weights, archs, expected):
    reference, scorer = (
        kind(config, weights, 'cpu', parts=3) for kind in (ReferenceScorer, FastScorer)
    )
    seen = {reference: [], scorer: []}

    def asked(which):
        def keep(images, scores):
            seen[which].append((images, scores['weight']))
            return len(seen[which]) < 2

        return keep

    for which in (reference, scorer):
        which.score(archs[1], asked(which))
    assert seen[reference] == seen[scorer] and [n for n, _ in seen[scorer]] == [4, 7]
    assert scorer.score(archs[1])['number'] == expected[archs[1]]['number']
    # Also one that has been begun ahead, part by part.
    first, second, *_ = scorer.prepare(archs)
    assert scorer.score(first)['number'] == expected[first]['number']
    assert scorer.score(second, lambda *_: True)['number'] == expected[second]['number']
    after = scorer.score(archs[8])
    assert after['weight'] == pytest.approx(expected[archs[8]]['weight'], rel=1e-12)


@pytest.mark.parametrize('keys', [dict(batch_size=4), dict(precision='bf16')])
def test_other_batches_and_precisions_change_scores_by_little(
    config, weights, archs, expected, keys
):
    scorer = FastScorer(config, weights, 'cpu', **keys)
    for arch, scores in scored(scorer, archs[:4]).items():
        # Untrained, nearly all scores are near the threshold, so bf16 moves many across it; what it
        # does to a trained supernet's AP is measured by benchmarks/search/speed.py.
        tolerance = 0.1 if 'precision' in keys else 1e-4
        assert scores['weight'] == pytest.approx(expected[arch]['weight'], rel=tolerance)


def test_bad_weights_cost_only_the_archs_that_use_them(config, weights, archs, expected):
    bad = copy.deepcopy(weights)
    choice = archs[0].stages[0][0]
    name = next(n for n in bad if n.startswith(f'backbone.stages.0.0.choices.{choice}.'))
    bad[name] = bad[name] * float('nan')
    huge = archs[1].stages[1][0]
    for name in bad:
        if name.startswith(f'backbone.stages.1.0.choices.{huge}.') and 'weight' in name:
            bad[name] = bad[name] * 1e38
    scorer = FastScorer(config, bad, 'cpu')
    with pytest.raises(ScoreError, match='are not finite'):
        scorer.score(archs[0])
    with pytest.raises(ScoreError, match='activations'):
        scorer.score(archs[1])
    # What is too large for fp16 may not be for another precision.
    scorer.precision = 'fp16'
    with pytest.raises(ScoreError, match='learning rate, or set search.scorer.precision to bf16'):
        scorer.score(archs[1])
    scorer.precision = 'fp32'
    well = [a for a in archs if a.stages[0][0] != choice and a.stages[1][0] != huge]
    assert well and scored(scorer, well) == {arch: expected[arch] for arch in well}
    # In order, each arch is begun before it is asked for: trouble is told in its own turn.
    found = {}
    for arch in scorer.prepare(archs):
        try:
            found |= scored(scorer, [arch])
        except ScoreError:
            assert arch not in well
    assert found == {arch: expected[arch] for arch in well}


@pytest.mark.parametrize(
    ('keys', 'said'),
    [
        (dict(cache_memory=-1), 'cache_memory is -1; give GiB'),
        (dict(image_memory='2'), "image_memory is '2'"),
        (dict(batch_size=0), 'batch_size is 0'),
        (dict(precision='tf32'), 'TF32 needs an NVIDIA GPU'),
        (dict(precision='fp16'), 'FP16 needs an NVIDIA GPU'),
        (dict(precision='fp8'), 'set it to one of fp32'),
        (dict(channels=3), 'has the keys channels'),
        (dict(type='quick'), 'use one of fast, reference'),
    ],
)
def test_wrong_keys_are_refused_in_one_sentence(config, weights, keys, said):
    config = copy.deepcopy(config)
    config.search.scorer = keys
    with pytest.raises(UserError, match=said):
        build_scorer(config, weights, 'cpu')


@pytest.mark.parametrize('keys', [dict(), dict(type='reference'), dict(batch_size=2, parts=2)])
def test_a_scorer_says_all_that_its_scores_depend_on_with_the_defaults(config, weights, keys):
    config = copy.deepcopy(config)
    config.search.scorer = keys
    identity = build_scorer(config, weights, 'cpu').identity()
    sizes = dict(batch_size=3, recalibration_batch_size=3)
    assert identity == complete_identity({**sizes, **keys})
    if 'type' not in keys:
        config.search.scorer = dict(keys, type='fast', cache_memory=0, image_memory=0)
        assert build_scorer(config, weights, 'cpu').identity() == identity
