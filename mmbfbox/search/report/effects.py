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
        spread: standard deviation of their scores, as a fraction; None for a single one, which has none.
    """

    count: int
    mean: float
    spread: float | None

    @property
    def error(self) -> float | None:
        """Standard error of the mean; None for a single one."""
        return None if self.spread is None else self.spread / sqrt(self.count)

    @property
    def unclear(self) -> bool:
        """Whether it may well be chance: seen less than three times, or within two standard errors."""
        return self.count < 3 or self.error is None or abs(self.mean) < 2 * self.error


def choice_effects(candidates: Sequence[Candidate], metric: str) -> list[list[dict[str, Effect]]]:
    """The effect of every choice that occurs, for each slot of each stage.

    Choices stand in the order of :func:`place_of`.
    """
    if not candidates:
        return []
    depths = [len(stage) for stage in candidates[0].arch.stages]
    result = []
    for stage, depth in enumerate(depths):
        row = []
        for slot in range(depth):
            effects = _effects(((c, (c.arch.stages[stage][slot],)) for c in candidates), metric)
            row.append({name: effects[name] for name in sorted(effects, key=place_of)})
        result.append(row)
    return result


def place_of(choice: str) -> tuple[bool, int, str]:
    """Sorts choices: those of the paper's space in its order, others by name, a skip last."""
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
            float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        )
        for key, scores in groups.items()
    }
