"""How far the scores of a search can be trusted, in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.search import SearchFile
from mmbfbox.search.denoising import denoise_candidates, standard_error
from mmbfbox.search.denoising.reliability import images_needed

ENOUGH = 0.6
"""Reliability below which a warning says that there are too few images."""


def trust_sentences(candidates: Sequence[Candidate], search: SearchFile) -> list[str]:
    """What halves and resamples of the held-out images say of the scores; nothing without them.

    Args:
        candidates: scored on all images.
        search: what was searched.
    """
    metric, images = search.metric, search.held_out.number
    found = denoise_candidates(candidates, metric)
    if found is None:
        return []
    errors = [standard_error(candidate, metric) for candidate in candidates]
    known = [error for error in errors if error is not None]
    spread = float(np.std([candidate.scores[metric] for candidate in candidates], ddof=1))
    said = []
    if known:
        said.append(
            f'The standard error of {metric} AP over {images} images is {100 * fmean(known):.2f} points; '
            f'candidates differ by {100 * spread:.2f} (standard deviation).'
        )
    said += [
        f'Reliability, the share of these differences that is no noise of the images: '
        f'{found.reliability:.2f} of the raw score, {found.fitted_reliability:.2f} of the denoised one; '
        f"Kendall's tau between the orders by both halves of the images: {found.tau_raw:.2f} and "
        f'{found.tau_fitted:.2f}.',
        f'Choices, merges and costs predict {100 * max(found.r2, 0):.0f} % of the variance of candidates '
        f'that they have not seen; of what they leave, {100 * found.kept:.0f} % is kept.',
    ]
    if found.reliability < ENOUGH:
        needed = images_needed(found.reliability, images)
        more = (
            'no number of them would be enough'
            if needed is None
            else f'some {needed:,} would give 0.8'
        )
        said.append(
            f'Warning: {images} held-out images are too few to rank these candidates by {metric} AP '
            f'(reliability {found.reliability:.2f}; {more}). Hold out more images, or let finalists decide.'
        )
    return said
