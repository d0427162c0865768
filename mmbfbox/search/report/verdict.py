"""What a pool of trained networks of the same space says of the scores of a search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmbfbox.artifacts.arch import SpaceId
from mmbfbox.artifacts.pool_verdict import PoolVerdict

VERDICT_FILE = Path(__file__).parent / 'pool_verdict.json'
"""The verdict of the pool of the light space, written by ``benchmarks/pool/verdict.py``."""

RANDOM = 'random networks'
FEW = 4
"""Trainings that the advice is about."""


def verdict_of(space: SpaceId) -> PoolVerdict | None:
    """The verdict on scores in a space; None where no pool of it has been trained."""
    verdict = PoolVerdict.read(VERDICT_FILE)
    return verdict if verdict.space.hash == space.hash else None


def verdict_sentences(verdict: PoolVerdict) -> list[str]:
    """What the verdict means for who has to choose, a sentence each."""
    best = max(verdict.taus, key=lambda name: verdict.taus[name][0])
    tau, low, high = verdict.taus[best]
    said = [
        f'{verdict.networks} networks of this space, of about equal cost, were trained from scratch, '
        f'{verdict.trainings} trainings of {verdict.iterations:,} iterations in all, and each score was '
        f'compared with the {verdict.metric} AP that they reached.',
        f"Trainings are noisy themselves: a perfect score would have a Kendall's tau of "
        f'{verdict.ceiling:.2f}. The best of {len(verdict.taus)} scores, {best}, has {tau:+.2f} ({low:+.2f} '
        f'to {high:+.2f}); the best of so many is partly the luckiest.',
    ]
    known = _of_cost(verdict.regrets, str(FEW))
    if RANDOM in known and len(known) > 1:
        way = min(known, key=lambda name: known[name])
        if way == RANDOM:
            said.append(
                f'{FEW} trainings are spent best on random networks: no score chooses better.'
            )
        else:
            said.append(
                f'{FEW} trainings are spent best on the {FEW} best by {way}: what they find is '
                f'{known[way]:.1f} points below the best network, that of {FEW} random ones '
                f'{known[RANDOM]:.1f}. The records leave several points open (docs/lab/fidelity.md).'
            )
    for sizes in dict.fromkeys(sizes for of_way in verdict.repeated.values() for sizes in of_way):
        said += _further_seeds(verdict, sizes)
    return said


def _further_seeds(verdict: PoolVerdict, sizes: str) -> list[str]:
    """Whether the same number of trainings finds more with further seeds for fewer networks."""
    first, *others = map(int, sizes.split())
    trainings = first + sum(others)
    once = _of_cost(verdict.regrets, str(trainings))
    again = _of_cost(verdict.repeated, sizes)
    if not once or not again:
        return []
    way = min(again, key=lambda name: again[name])
    best = min(once.values())
    if again[way] >= best:
        return []
    return [
        f'{trainings} trainings find more if {first} networks are trained and the better ones of them again '
        f'with further seeds (search.finalists.repeats={others}): by {way} what they find is '
        f'{again[way]:.1f} points below the best network; {trainings} networks with one seed each find '
        f'{best:.1f} at best.'
    ]


def _of_cost(ways: Mapping[str, Mapping[str, float]], cost: str) -> dict[str, float]:
    """The regret of each way at a cost."""
    return {name: costs[cost] for name, costs in ways.items() if cost in costs}


def page_of(verdict: PoolVerdict) -> dict[str, Any]:
    """What the page's script reads."""
    return {
        'ceiling': verdict.ceiling,
        'taus': verdict.taus,
        'regrets': verdict.regrets,
        'said': verdict_sentences(verdict),
    }
