"""Which archs to score next: random, evolutionary, ageing."""

from mmbfbox.search.strategies.ageing import AgeingStrategy
from mmbfbox.search.strategies.base import RandomStrategy, Strategy
from mmbfbox.search.strategies.build import build_strategy
from mmbfbox.search.strategies.evolution import EvolutionStrategy

__all__ = [
    'AgeingStrategy',
    'EvolutionStrategy',
    'RandomStrategy',
    'Strategy',
    'build_strategy',
]
