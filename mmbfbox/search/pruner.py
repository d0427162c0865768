"""Pruning: candidates that are clearly behind after a part of the images are not scored to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import inf, isnan
from statistics import fmean, stdev
from typing import Any

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.errors import UserError
from mmbfbox.search.settings import check_types
from mmbfbox.utils.settings import build_settings


@dataclass(frozen=True)
class Pruner:
    """Says when a candidate is clearly behind.

    Let T be the AP of the ``keep``-th best candidate that was scored on all images. What the remaining
    images did to the AP of such candidates, seen from the part in question, has a mean and a standard
    deviation. A candidate stops if even with that mean and ``sigmas`` deviations on top of its AP so
    far it would stay below T, and its AP so far is below T as well.

    Only earlier rounds decide, so it does not matter who scores which candidate when. At the end, with
    all results, the same rule names the stopped candidates that could belong to the best ``keep`` after
    all; these are scored to the end.

    Args:
        keep: how many of the best are always scored on all images. Defaults to 100.
        round: candidates of a round; the first one is scored in full. Defaults to 200.
        sigmas: how far behind is clearly behind. Defaults to 3.

    Raises:
        UserError: a value is out of range.
    """

    keep: int = 100
    round: int = 200
    sigmas: float = 3.0

    def __post_init__(self) -> None:
        if self.keep < 1 or self.round < 1 or self.sigmas < 0:
            raise UserError(
                f'search.pruner has keep {self.keep}, round {self.round} and sigmas {self.sigmas}; keep '
                f'and round must be 1 or more, sigmas 0 or more'
            )

    @classmethod
    def build(cls, settings: Mapping[str, Any] | None) -> Pruner | None:
        """From the config's ``search.pruner``; None if that is None.

        Raises:
            UserError: a key is unknown or out of range.
        """
        if isinstance(settings, Mapping):
            defaults = {one.name: one.default for one in fields(cls)}
            check_types('search.pruner', settings, defaults)
        return build_settings(cls, 'search.pruner', settings)

    def thresholds(self, candidates: Sequence[Candidate], metric: str) -> dict[int, float]:
        """For each part (number of images), the AP so far below which a candidate stops.

        Args:
            candidates: of earlier rounds, in any order.
            metric: the score that orders them.

        Returns:
            Nothing before ``keep`` candidates have been scored on all images.
        """
        complete = [candidate for candidate in candidates if candidate.complete]
        if len(complete) < self.keep:
            return {}
        goal = sorted((c.scores[metric] for c in complete), reverse=True)[self.keep - 1]
        changes: dict[int, list[float]] = {}
        # In a fixed order, because sums of floats depend on it.
        for candidate in sorted(complete, key=lambda candidate: candidate.index):
            for images, score in candidate.parts:
                if isnan(score):  # no face that counts among these images
                    continue
                changes.setdefault(images, []).append(candidate.scores[metric] - score)
        return {
            images: goal - max(0.0, fmean(values) + self.sigmas * stdev(values))
            for images, values in changes.items()
            if len(values) > 1
        }

    def could_be_best(self, candidates: Sequence[Candidate], metric: str) -> list[Candidate]:
        """The stopped candidates that are not clearly behind in the end."""
        lowest = self.thresholds(candidates, metric)
        return [
            candidate
            for candidate in candidates
            if candidate.stopped is not None
            and candidate.scores[metric] >= lowest.get(candidate.stopped, -inf)
        ]


class PruningMonitor:
    """Follows one candidate through its parts; :meth:`__call__` is the scorer's ``keep``.

    Args:
        metric: the score that orders them.
        thresholds: number of images to the lowest AP that goes on.
    """

    def __init__(self, metric: str, thresholds: Mapping[int, float]) -> None:
        self.metric = metric
        self.thresholds = thresholds
        self.parts: list[tuple[int, float]] = []
        self.stopped: int | None = None
        self.scores: dict[str, float] = {}

    def __call__(self, images: int, scores: dict[str, float]) -> bool:
        """Note the AP after ``images`` images, and say whether to go on."""
        score = float(scores[self.metric])
        self.parts.append((images, score))
        if score < self.thresholds.get(images, -inf):
            self.stopped = images
            self.scores = {name: float(value) for name, value in scores.items()}
            return False
        return True
