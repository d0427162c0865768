"""What each choice and each FPN edge does to the score, on average over everything else.

Candidates of a random search are independent draws, so the mean score of those that have a choice, minus
the mean of all, estimates the choice's main effect (a marginal mean; interactions are averaged out). A
sampler that learns prefers some combinations: its effects describe what it visited, no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TypeVar

import numpy as np

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.space import DEEP_CHOICES, SHALLOW_CHOICES, SKIP

K = TypeVar('K', bound=Hashable)

_ORDER = {
    choice: place for place, choice in enumerate(dict.fromkeys((*SHALLOW_CHOICES, *DEEP_CHOICES)))
}


@dataclass(frozen=True)
class Effect:
    """Scores of the candidates that have one thing in common.

    Args:
        count: how many they are.
        mean: their mean score minus that of all candidates, as a fraction.
        spread: standard deviation of their scores, as a fraction; 0 for a single one.
    """

    count: int
    mean: float
    spread: float

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        return self.spread / sqrt(self.count)


def choice_effects(candidates: Sequence[Candidate], metric: str) -> list[list[dict[str, Effect]]]:
    """The effect of every choice that occurs, for each slot of each stage.

    Choices stand in the order in which the paper's space lists them, others behind them by name, and a
    skip comes last.
    """
    if not candidates:
        return []
    depths = [len(stage) for stage in candidates[0].arch.stages]
    result = []
    for stage, depth in enumerate(depths):
        row = []
        for slot in range(depth):
            effects = _effects(((c, (c.arch.stages[stage][slot],)) for c in candidates), metric)
            row.append({name: effects[name] for name in sorted(effects, key=_place)})
        result.append(row)
    return result


def _place(choice: str) -> tuple[bool, int, str]:
    return choice == SKIP, _ORDER.get(choice, len(_ORDER)), choice


def edge_effects(candidates: Sequence[Candidate], metric: str) -> dict[tuple[int, str], Effect]:
    """The effect of every FPN edge that occurs: (target level, source node)."""
    return _effects(
        (
            (candidate, [(merge.target, merge.source) for merge in candidate.arch.merges])
            for candidate in candidates
        ),
        metric,
    )


def _effects(pairs: Iterable[tuple[Candidate, Iterable[K]]], metric: str) -> dict[K, Effect]:
    """Group the scores by what the candidates have."""
    everything: list[float] = []
    groups: defaultdict[K, list[float]] = defaultdict(list)
    for candidate, keys in pairs:
        score = candidate.scores[metric]
        everything.append(score)
        for key in keys:
            groups[key].append(score)
    overall = float(np.mean(everything)) if everything else 0.0
    return {
        key: Effect(
            len(scores),
            float(np.mean(scores)) - overall,
            float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0,
        )
        for key, scores in groups.items()
    }
