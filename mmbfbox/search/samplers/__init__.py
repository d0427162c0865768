"""Which archs to score next: random, evolution, regularized evolution."""

from mmbfbox.search.samplers.base import RandomSampler, Sampler
from mmbfbox.search.samplers.build import build_sampler, complete_settings
from mmbfbox.search.samplers.evolution import EvolutionSampler
from mmbfbox.search.samplers.regularized_evolution import RegularizedEvolutionSampler

__all__ = [
    'EvolutionSampler',
    'RandomSampler',
    'RegularizedEvolutionSampler',
    'Sampler',
    'build_sampler',
    'complete_settings',
]
