"""The denoised score: an additive fit finds additive truth, and keeps of the rest what is no noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kendalltau

from mmbfbox.evaluation.wider.noise import EVEN, ODD
from mmbfbox.search.denoising import (
    arch_features,
    denoise,
    denoise_candidates,
    fit_ridge,
    ranked,
    reliability_of_halves,
)
from mmbfbox.search.denoising.reliability import images_needed
from tests.fixtures_search import SPACE, fake_candidates

ARCHS = [SPACE.sample(0, index) for index in range(120)]


def made_up(seed: int, interaction: float = 0.0, noise: float = 1.0):
    """True scores of the archs, additive but for an interaction, and two halves with noise of their own."""
    random = np.random.default_rng(seed)
    features = arch_features(ARCHS)
    truth = features.matrix @ random.normal(size=len(features.names))
    truth = truth / truth.std() + interaction * random.normal(size=len(truth))
    even, odd = (truth + random.normal(scale=2**0.5 * noise, size=len(truth)) for _ in range(2))
    return features, truth, (even + odd) / 2, even, odd


@pytest.mark.parametrize('interaction', [0.0, 0.5])
def test_the_fit_beats_the_raw_score_on_additive_truth_plus_noise(interaction):
    gains, gains_in_seeds = [], 0
    for seed in range(20):
        features, truth, *halves = made_up(seed, interaction)
        found = denoise(features, *halves)
        raw, fitted = (kendalltau(scores, truth)[0] for scores in (halves[0], found.scores))
        gains.append(fitted - raw)
        gains_in_seeds += fitted > raw
    assert np.mean(gains) > 0.1 and gains_in_seeds >= 19


def test_reliability_is_the_share_of_variance_that_is_no_noise_and_grows_by_the_fit():
    found = []
    for seed in range(20):
        features, _, *halves = made_up(seed)
        found.append(denoise(features, *halves))
    assert np.mean([each.reliability for each in found]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([each.fitted_reliability for each in found]) > 0.75
    assert np.mean([each.tau_fitted - each.tau_raw for each in found]) > 0.1
    assert 0.2 < np.mean([each.r2 for each in found]) < 0.5


def test_without_noise_nothing_is_taken_away():
    features, truth, *_ = made_up(0, interaction=1.0)
    found = denoise(features, truth, truth, truth)
    assert found.reliability == pytest.approx(1) and found.kept == pytest.approx(1)
    np.testing.assert_allclose(found.scores, truth)


def test_pure_noise_is_not_believed():
    random = np.random.default_rng(0)
    noise = random.normal(size=(2, len(ARCHS)))
    found = denoise(arch_features(ARCHS), noise.mean(0), *noise)
    assert found.r2 < 0.1 and found.reliability < 0.3
    assert np.std(found.scores) < 0.5 * np.std(noise.mean(0))


def test_what_is_said_of_left_out_rows_is_what_fits_without_them_say():
    features, _, raw, *_ = made_up(0)
    matrix, values = features.matrix[:30], raw[:30]
    fit = fit_ridge(matrix, values)
    for row in (0, 7):
        others = np.delete(np.arange(30), row)
        mean, centre = values[others].mean(), matrix[others].mean(0)
        x = matrix[others] - centre
        effects = np.linalg.solve(
            x.T @ x + fit.penalty * np.eye(x.shape[1]), x.T @ (values[others] - mean)
        )
        expected = mean + (matrix[row] - centre) @ effects
        assert fit.left_out[row] == pytest.approx(expected, abs=1e-8)


def test_halves_that_disagree_or_say_nothing_have_no_reliability():
    rising = np.arange(5.0)
    assert reliability_of_halves(rising, -rising) == 0
    assert reliability_of_halves(rising, np.ones(5)) == 0
    assert images_needed(0.5, 200) == 800 and images_needed(0.8, 200) == 200
    assert images_needed(0, 200) is None


def test_candidates_are_ordered_by_the_denoised_score_where_they_have_halves():
    plain = fake_candidates(40)
    assert denoise_candidates(plain, 'hard') is None
    assert ranked(plain, 'hard')[0].scores['hard'] == max(c.scores['hard'] for c in plain)
    random = np.random.default_rng(1)
    noisy = []
    for candidate in plain:
        halves = candidate.scores['hard'] + random.normal(scale=0.1, size=2)
        scores = {'hard': halves.mean(), f'hard{EVEN}': halves[0], f'hard{ODD}': halves[1]}
        noisy.append(replace(candidate, scores=scores))
    first = [c.arch.stages[0][0] == 'dw5' for c in ranked(noisy, 'hard')[:10]]
    raw = [c.arch.stages[0][0] == 'dw5' for c in sorted(noisy, key=lambda c: -c.scores['hard'])]
    # dw5 in the first slot is the only thing that makes a difference.
    assert sum(first) > sum(raw[:10])
    assert denoise_candidates(noisy[:10], 'hard') is None


def test_zero_cost_scores_are_features_of_the_fit():
    random = np.random.default_rng(2)
    candidates = []
    for candidate in fake_candidates(60):
        proxy = float(random.normal())
        halves = {end: proxy + random.normal(scale=0.5) for end in (EVEN, ODD)}
        scores = {f'hard{end}': value for end, value in halves.items()}
        scores['hard'] = float(np.mean(list(halves.values())))
        candidates.append(replace(candidate, scores=scores, proxies=dict(naswot=proxy)))
    found = denoise_candidates(candidates, 'hard')
    without = denoise_candidates([replace(c, proxies={}) for c in candidates], 'hard')
    assert found.r2 > 0.6 > without.r2
