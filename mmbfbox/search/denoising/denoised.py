"""The denoised score: an additive fit, and as much of what it leaves as is no noise."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import kendalltau

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.evaluation.wider.noise import ERROR, EVEN, ODD
from mmbfbox.search.denoising.features import Features, arch_features
from mmbfbox.search.denoising.reliability import reliability_of_halves
from mmbfbox.search.denoising.ridge import RidgeFit, fit_ridge
from mmbfbox.search.storage.candidates import best_first

Floats = NDArray[np.float64]

FEWEST = 20
"""Candidates below which nothing is fitted."""


@dataclass(frozen=True)
class Denoised:
    """Scores without most of their noise.

    Attributes:
        scores: ``(networks,)`` the denoised scores.
        fit: what choices, merges and costs say.
        kept: share of the residual that is kept.
        reliability: of the raw scores, from 0 to 1.
        fitted_reliability: of the denoised ones: how far those of either half of the images agree.
        r2: share of the variance of raw scores that the fit predicts of networks that it has not seen.
        tau_raw, tau_fitted: Kendall's tau between the orders by both halves, raw and denoised.
    """

    scores: Floats
    fit: RidgeFit
    kept: float
    reliability: float
    fitted_reliability: float
    r2: float
    tau_raw: float
    tau_fitted: float


def denoise(features: Features, raw: Floats, even: Floats, odd: Floats) -> Denoised:
    """Fit scores, and keep of the residual what is no noise.

    Noise of the images is ``(1 - reliability) * variance`` of the raw scores. The residual holds all of
    it; what its variance has beyond is what the fit cannot say, like interactions: the residual times
    this share is its best linear estimate.

    Args:
        features: of the networks.
        raw: ``(networks,)`` scores by all images.
        even, odd: ``(networks,)`` scores by either half of them.
    """
    reliability = reliability_of_halves(even, odd)
    scores, fit, kept = _denoised(features, raw, reliability)
    # Each half is fitted on its own, so that they agree in nothing but what they tell of the networks.
    of_half = reliability / (2 - reliability)
    halves = [_denoised(features, half, of_half)[0] for half in (even, odd)]
    return Denoised(
        scores=scores,
        fit=fit,
        kept=kept,
        reliability=reliability,
        fitted_reliability=reliability_of_halves(*halves),
        r2=fit.r2(raw),
        tau_raw=_tau(even, odd),
        tau_fitted=_tau(*halves),
    )


def _denoised(
    features: Features, scores: Floats, reliability: float
) -> tuple[Floats, RidgeFit, float]:
    fit = fit_ridge(features.matrix, scores)
    residual = scores - fit.fitted
    noise, spread = (1 - reliability) * float(np.var(scores)), float(np.mean(residual**2))
    kept = min(1.0, max(0.0, 1 - noise / spread)) if spread else 0.0
    return fit.fitted + kept * residual, fit, kept


def _tau(first: Floats, second: Floats) -> float:
    tau = float(kendalltau(first, second)[0])
    return 0.0 if math.isnan(tau) else tau


def denoise_candidates(candidates: Sequence[Candidate], metric: str) -> Denoised | None:
    """The denoised scores of candidates; None where they are too few, or without scores of halves.

    Args:
        candidates: scored on all images.
        metric: the score that orders them.
    """
    names = (metric, metric + EVEN, metric + ODD)
    if len(candidates) < FEWEST or not all(
        math.isfinite(candidate.scores.get(name, math.nan))
        for candidate in candidates
        for name in names
    ):
        return None
    numbers = {
        'log multiply-adds': [math.log(candidate.detector_macs) for candidate in candidates],
        **_proxies(candidates),
    }
    features = arch_features([candidate.arch for candidate in candidates], numbers)
    raw, even, odd = (
        np.array([candidate.scores[name] for candidate in candidates]) for name in names
    )
    return denoise(features, raw, even, odd)


def _proxies(candidates: Sequence[Candidate]) -> dict[str, list[float]]:
    """The zero-cost scores that all candidates have."""
    names = candidates[0].proxies
    complete = [
        name for name in names if all(name in candidate.proxies for candidate in candidates)
    ]
    return {name: [candidate.proxies[name] for candidate in candidates] for name in complete}


def denoised_name(metric: str) -> str:
    """Name of the denoised score among the scores of a candidate."""
    return f'denoised {metric}'


def ranked(candidates: Iterable[Candidate], metric: str) -> list[Candidate]:
    """Those scored on all images, the best first: by the denoised score where there is one.

    It is then among their scores, under :func:`denoised_name`.

    Args:
        candidates: in any order.
        metric: the score that orders them.
    """
    raw = best_first(candidates, metric)
    found = denoise_candidates(raw, metric)
    if found is None:
        return raw
    name = denoised_name(metric)
    complete = [
        replace(candidate, scores={**candidate.scores, name: float(score)})
        for candidate, score in zip(raw, found.scores, strict=True)
    ]
    # Of equal ones the better raw score, then the earlier.
    return sorted(complete, key=lambda candidate: -candidate.scores[name])


def ordering_score(candidates: Sequence[Candidate], metric: str) -> str:
    """Name of the score that :func:`ranked` has ordered candidates by."""
    name = denoised_name(metric)
    return name if all(name in candidate.scores for candidate in candidates) else metric


def standard_error(candidate: Candidate, metric: str) -> float | None:
    """Standard error of a score by resampling images; None where it is not known."""
    error = candidate.scores.get(metric + ERROR, math.nan)
    return error if math.isfinite(error) else None
