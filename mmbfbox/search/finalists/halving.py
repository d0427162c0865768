"""Successive halving: all are trained for a while, the better ones for longer (Jamieson and Talwalkar)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Outcome:
    """What a network reached at a rung.

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


def networks_of_rung(
    names: Sequence[str], outcomes: Sequence[Mapping[str, Outcome]], keep: Sequence[int]
) -> list[str]:
    """Who is trained at the rung after those that are known; a pure function, the same in every process.

    Args:
        names: of all networks, in a fixed order.
        outcomes: of each rung so far, by name; of all networks that were trained there.
        keep: how many go on after each rung but the last.

    Returns:
        Those of the first rung if there is none yet. Fewer than ``keep`` where trainings were lost.
    """
    if not outcomes:
        return list(names)
    rung = len(outcomes) - 1
    before = networks_of_rung(names, outcomes[:-1], keep)
    return best_first({name: outcomes[-1][name] for name in before})[: keep[rung]]
