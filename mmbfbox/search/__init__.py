"""Searching a trained supernet: recalibrate, score, keep every result, report."""

from mmbfbox.search.build_scorer import build_scorer
from mmbfbox.search.limits import Limits
from mmbfbox.search.recalibrate import recalibrate
from mmbfbox.search.results import Candidate, ResultsFile, read_results
from mmbfbox.search.scorer import ReferenceScorer
from mmbfbox.search.scoring import ScoreError, Scorer
from mmbfbox.search.searcher import Searcher
from mmbfbox.search.strategy import RandomStrategy

__all__ = [
    'Candidate',
    'Limits',
    'RandomStrategy',
    'ReferenceScorer',
    'ResultsFile',
    'ScoreError',
    'Scorer',
    'Searcher',
    'build_scorer',
    'read_results',
    'recalibrate',
]
