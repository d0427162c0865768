"""A score that can be trusted: what choices are worth on average, and how much of the rest is noise."""

from mmbfbox.search.denoising.denoised import (
    Denoised,
    denoise,
    denoise_candidates,
    denoised_name,
    ordering_score,
    ranked,
    standard_error,
)
from mmbfbox.search.denoising.features import Features, arch_features
from mmbfbox.search.denoising.reliability import reliability_of_halves
from mmbfbox.search.denoising.ridge import RidgeFit, fit_ridge

__all__ = [
    'Denoised',
    'Features',
    'RidgeFit',
    'arch_features',
    'denoise',
    'denoise_candidates',
    'denoised_name',
    'fit_ridge',
    'ordering_score',
    'ranked',
    'reliability_of_halves',
    'standard_error',
]
