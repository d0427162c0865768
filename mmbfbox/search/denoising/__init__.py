"""A score that can be trusted: what choices are worth on average, and how much of the rest is noise."""

from mmbfbox.search.denoising.denoised import Denoised, denoise, denoise_candidates, ranked
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
    'fit_ridge',
    'ranked',
    'reliability_of_halves',
]
