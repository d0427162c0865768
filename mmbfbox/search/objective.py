"""Scoring one candidate, whatever comes of it, and giving up when nothing can be scored any more."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.errors import UserError
from mmbfbox.search.constraints import Proposal
from mmbfbox.search.pruner import PruningMonitor
from mmbfbox.search.scoring.interface import ScoreError, Scorer
from mmbfbox.space import Arch

FAILURES_IN_A_ROW = 5
"""Candidates that may fail one after the other before the search stops."""

SCORELESS_IN_A_ROW = 100
"""The same for candidates that are themselves to blame, as long as no other one has been scored.

A supernet may have diverged in one choice only, and candidates that share it may come one after the other.
"""


class Objective:
    """Evaluates proposals: turns them into candidates; a failure is written down like a score.

    Args:
        scorer: scores.
        metric: score that orders them; it must be a number. Others need not: there is no easy AP of images
            without large faces.
        proxies: gives zero-cost scores of an arch; None gives none.
    """

    def __init__(
        self,
        scorer: Scorer,
        metric: str,
        proxies: Callable[[Arch], dict[str, float]] | None = None,
    ) -> None:
        self.scorer, self.metric, self.proxies = scorer, metric, proxies
        self._failures = 0
        self._scored = False
        self._own = False

    def evaluate(self, proposal: Proposal, monitor: PruningMonitor | None = None) -> Candidate:
        """Score one candidate.

        Args:
            proposal: what to score.
            monitor: stops it when it is clearly behind; None does not prune.

        Returns:
            The candidate with its scores, or with the reason why it has none.
        """
        start = time.perf_counter()
        candidate = Candidate(proposal.index, proposal.arch, {}, **proposal.costs, seconds=0.0)  # type: ignore[arg-type]
        self._own = False
        try:
            scores = self._scores(proposal, monitor)
            if monitor is not None:
                candidate = replace(candidate, parts=tuple(monitor.parts), stopped=monitor.stopped)
            candidate = replace(candidate, scores=scores)
            if self.proxies is not None and candidate.stopped is None:
                candidate = replace(candidate, proxies=self.proxies(candidate.arch))
            self._failures, self._scored = 0, True
        except Exception as error:  # one candidate's trouble is not the others'
            self._own = isinstance(error, ScoreError)
            # Once others could be scored, it is this candidate's trouble alone.
            self._failures += not (self._own and self._scored)
            said = (str(error) or type(error).__name__).splitlines()[0][:300]
            reason = said if isinstance(error, UserError) else f'{type(error).__name__}: {said}'
            candidate = replace(candidate, error=reason)
        return replace(candidate, seconds=round(time.perf_counter() - start, 3))

    def check(self, last: Candidate) -> None:
        """End the search when too many have failed one after the other.

        Args:
            last: what :meth:`evaluate` has just given; it has been written down.

        Raises:
            UserError: too many have failed.
        """
        most = SCORELESS_IN_A_ROW if self._own else FAILURES_IN_A_ROW
        if last.error is not None and self._failures >= most:
            raise UserError(
                f'{self._failures} candidates in a row could not be scored, the last one because: '
                f'{last.error}; all results are intact: put it right and run again'
            )

    def _scores(self, proposal: Proposal, monitor: PruningMonitor | None) -> dict[str, float]:
        """Scores on all images, or on those seen when it was pruned."""
        if monitor is None:
            scores = self.scorer.score(proposal.arch)
        else:
            scores = self.scorer.score(proposal.arch, monitor)
            scores = scores if monitor.stopped is None else monitor.scores
        if not math.isfinite(scores.get(self.metric, math.nan)):
            raise UserError(f'the score {self.metric} is not a number')
        return scores
