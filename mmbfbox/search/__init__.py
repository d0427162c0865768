"""Searching a trained supernet: recalibrate, score, keep every result, report."""

from mmbfbox.search.build_scorer import build_scorer
from mmbfbox.search.build_searcher import Search, build_searcher
from mmbfbox.search.limits import Limits
from mmbfbox.search.ranks import join_ranks
from mmbfbox.search.recalibrate import recalibrate
from mmbfbox.search.results import Candidate, ResultsFile, read_results
from mmbfbox.search.scorer import ReferenceScorer
from mmbfbox.search.scoring import ScoreError, Scorer
from mmbfbox.search.searcher import Searcher
from mmbfbox.search.strategies import AgeingStrategy, EvolutionStrategy, RandomStrategy

__all__ = [
    'AgeingStrategy',
    'Candidate',
    'EvolutionStrategy',
    'Limits',
    'RandomStrategy',
    'ReferenceScorer',
    'ResultsFile',
    'ScoreError',
    'Scorer',
    'Search',
    'Searcher',
    'build_scorer',
    'build_searcher',
    'join_ranks',
    'read_results',
    'recalibrate',
]
