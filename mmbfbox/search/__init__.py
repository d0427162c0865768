"""Searching a trained supernet: recalibrate, score, keep every result, report."""

import warnings
from typing import Any

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.config import PreparedSearch, build_search
from mmbfbox.search.constraints import Constraints
from mmbfbox.search.distributed import join_processes
from mmbfbox.search.loop import SearchLoop
from mmbfbox.search.samplers import (
    EvolutionSampler,
    RandomSampler,
    RegularizedEvolutionSampler,
)
from mmbfbox.search.scoring.build import build_scorer
from mmbfbox.search.scoring.interface import ScoreError, Scorer
from mmbfbox.search.scoring.recalibration import recalibrate
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.search.storage.candidates import CandidatesFile, read_work_dir

__all__ = [
    'Candidate',
    'CandidatesFile',
    'Constraints',
    'EvolutionSampler',
    'PreparedSearch',
    'RandomSampler',
    'ReferenceScorer',
    'RegularizedEvolutionSampler',
    'ScoreError',
    'Scorer',
    'SearchLoop',
    'build_scorer',
    'build_search',
    'join_processes',
    'read_work_dir',
    'recalibrate',
]

RENAMED = {
    'AgeingStrategy': 'RegularizedEvolutionSampler',
    'EvolutionStrategy': 'EvolutionSampler',
    'Limits': 'Constraints',
    'RandomStrategy': 'RandomSampler',
    'ResultsFile': 'CandidatesFile',
    'Search': 'PreparedSearch',
    'Searcher': 'SearchLoop',
    'build_searcher': 'build_search',
    'join_ranks': 'join_processes',
    'read_results': 'read_work_dir',
}
"""Names of before to the ones of today."""


def __getattr__(name: str) -> Any:
    """What has another name now, with one line that says it."""
    if name not in RENAMED:
        raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    new = RENAMED[name]
    warnings.warn(
        f'{__name__}.{name} is {__name__}.{new} now; import that', FutureWarning, stacklevel=2
    )
    return globals()[new]
