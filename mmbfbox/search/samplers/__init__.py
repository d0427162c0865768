"""Which archs to score next: random, evolutionary, ageing."""

from mmbfbox.search.samplers.base import RandomStrategy, Strategy
from mmbfbox.search.samplers.build import build_strategy
from mmbfbox.search.samplers.evolution import EvolutionStrategy
from mmbfbox.search.samplers.regularized_evolution import AgeingStrategy

__all__ = [
    'AgeingStrategy',
    'EvolutionStrategy',
    'RandomStrategy',
    'Strategy',
    'build_strategy',
]
