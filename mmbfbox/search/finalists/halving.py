"""Successive halving: all are trained for a while, the better ones for longer (Jamieson and Talwalkar).

And then, where seeds change a network more than networks differ, the best ones with further seeds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean


@dataclass(frozen=True)
class Outcome:
    """What a network reached in a round.

    Args:
        score: the higher, the better; None if its training was lost.
        loss: mean training loss; it decides between equal scores.
    """

    score: float | None
    loss: float = inf


def best_first(outcomes: Mapping[str, Outcome]) -> list[str]:
    """The networks that were not lost, the best first; of equal ones that of lower loss, then the first.

    Example:
        >>> best_first({'a': Outcome(0.2), 'b': Outcome(None), 'c': Outcome(0.3), 'd': Outcome(0.2, 1.5)})
        ['c', 'd', 'a']
    """
    left = [name for name, outcome in outcomes.items() if outcome.score is not None]
    return sorted(left, key=lambda name: (-(outcomes[name].score or 0.0), outcomes[name].loss))


def mean_outcome(outcomes: Sequence[Outcome]) -> Outcome:
    """What several trainings of one network, with other seeds, have reached; lost if one of them was.

    Example:
        >>> mean_outcome([Outcome(0.5, 1.0), Outcome(0.25, 2.0)])
        Outcome(score=0.375, loss=1.5)
    """
    scores = [outcome.score for outcome in outcomes if outcome.score is not None]
    if len(scores) < len(outcomes):
        return Outcome(None)
    return Outcome(fmean(scores), fmean(outcome.loss for outcome in outcomes))


def networks_of_round(
    names: Sequence[str], outcomes: Sequence[Mapping[str, Outcome]], goes_on: Sequence[int]
) -> list[str]:
    """Who is trained in the round after those that are known; a pure function, the same in every process.

    Args:
        names: of all networks, in a fixed order.
        outcomes: of each round so far, by name; of all networks that were trained there.
        goes_on: how many go on after each round but the last.

    Returns:
        Those of the first round if there is none yet. Fewer than ``goes_on`` where trainings were lost.
    """
    if not outcomes:
        return list(names)
    before = networks_of_round(names, outcomes[:-1], goes_on)
    return best_first({name: outcomes[-1][name] for name in before})[: goes_on[len(outcomes) - 1]]
