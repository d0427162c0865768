"""Searching a trained supernet: recalibrate, score, keep every result, report."""

from mmbfbox.search.config import Search, build_searcher
from mmbfbox.search.constraints import Limits
from mmbfbox.search.distributed import join_ranks
from mmbfbox.search.loop import Searcher
from mmbfbox.search.samplers import AgeingStrategy, EvolutionStrategy, RandomStrategy
from mmbfbox.search.scoring.build_scorer import build_scorer
from mmbfbox.search.scoring.interface import ScoreError, Scorer
from mmbfbox.search.scoring.recalibration import recalibrate
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.search.storage.candidates import Candidate, ResultsFile, read_results

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
