"""What the rounds have shown: whether orders agree, what the search has gained, what seeds change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from statistics import fmean, variance

from scipy.stats import kendalltau

from mmbfbox.artifacts.finalists import CANDIDATE, CONTROL
from mmbfbox.search.finalists.standings import Standings


@dataclass(frozen=True)
class Agreement:
    """How far two orders of the same networks agree.

    Args:
        what: which two.
        tau: Kendall's, 1 for the same order; None where one of them has no order.
        networks: of how many networks.
    """

    what: str
    tau: float | None
    networks: int


@dataclass(frozen=True)
class Gain:
    """How much better the candidates of the search are than random networks, trained for the same time.

    Args:
        mean: mean score of the candidates minus that of the controls, as a fraction.
        error: its standard error; None with fewer than two of either.
        candidates, controls: how many there are.
    """

    mean: float
    error: float | None
    candidates: int
    controls: int


@dataclass(frozen=True)
class SeedNoise:
    """How much the scores of one network's trainings with different seeds differ.

    Args:
        deviation: standard deviation of one training, as a fraction.
        trainings: of how many trainings.
        networks: of how many networks that were trained more than once.
    """

    deviation: float
    trainings: int
    networks: int


def agreements(standings: Standings) -> list[Agreement]:
    """Kendall's tau between one-shot scores and rungs, and between score and loss at each rung."""
    metric, rungs = standings.file.metric, standings.outcomes[: len(standings.file.rungs)]
    one_shot = {n.name: n.scores[metric] for n in standings.file.networks if metric in n.scores}
    scores = [
        {name: one.score for name, one in rung.items() if one.score is not None} for rung in rungs
    ]
    losses = [
        {name: -one.loss for name, one in rung.items() if isfinite(one.loss)} for rung in rungs
    ]
    found = []
    if scores:
        found.append(_agreement('one-shot score and rung 1', one_shot, scores[0]))
    for rung in range(1, len(scores)):
        what = f'rung {rung} and rung {rung + 1}'
        found.append(_agreement(what, scores[rung - 1], scores[rung]))
    for rung, pair in enumerate(zip(scores, losses), 1):
        found.append(_agreement(f'score and training loss at rung {rung}', *pair))
    return found


def gain(standings: Standings) -> Gain | None:
    """The gain over the controls at the first rung, where nothing is selected by training yet."""
    if not standings.results:
        return None
    first = standings.outcomes[0]
    return _difference(standings, {name: one.score for name, one in first.items()})


def loss_gain(standings: Standings) -> Gain | None:
    """The same for the training loss, which is less noisy; below zero, the candidates learn more."""
    if not standings.results:
        return None
    losses = {name: one.loss for name, one in standings.outcomes[0].items()}
    return _difference(
        standings, {n: loss if isfinite(loss) else None for n, loss in losses.items()}
    )


def seed_noise(standings: Standings) -> SeedNoise | None:
    """Standard deviation of whole trainings of one network, over the seeds; None before any repeat."""
    metric, whole = standings.file.metric, {*standings.file.rounds[len(standings.file.rungs) - 1 :]}
    found = []
    for network in standings.file.networks:
        records = standings.trainings_of(network.name).items()
        scores = [record.score(metric) for of_round, record in records if of_round in whole]
        if len(scores) > 1:
            found.append(scores)
    if not found:
        return None
    trainings = sum(map(len, found))
    squares = sum(variance(scores) * (len(scores) - 1) for scores in found)
    return SeedNoise(sqrt(squares / (trainings - len(found))), trainings, len(found))


def _difference(standings: Standings, first: Mapping[str, float | None]) -> Gain | None:
    groups = []
    for kind in (CANDIDATE, CONTROL):
        values = [first.get(n.name) for n in standings.file.networks if n.kind == kind]
        groups.append([number for number in values if number is not None])
    if not all(groups):
        return None
    error = None
    if min(map(len, groups)) > 1:
        error = sqrt(sum(variance(group) / len(group) for group in groups))
    return Gain(fmean(groups[0]) - fmean(groups[1]), error, *map(len, groups))


def _agreement(what: str, first: Mapping[str, float], second: Mapping[str, float]) -> Agreement:
    both = [name for name in second if name in first and isfinite(first[name])]
    tau = kendall([first[name] for name in both], [second[name] for name in both])
    return Agreement(what, tau, len(both))


def kendall(first: Sequence[float], second: Iterable[float]) -> float | None:
    """Kendall's tau-b; None where there is no order to compare, as between two networks alone.

    Example:
        >>> kendall([1, 2, 3], [4, 5, 6]), kendall([1, 1, 1], [1, 2, 3]), kendall([], [])
        (1.0, None, None)
    """
    if len(first) < 3 or len(set(first)) < 2:
        return None
    tau = float(kendalltau(first, list(second)).statistic)
    return tau if isfinite(tau) else None
