"""What the rungs have shown: who stands where, whether the orders agree, what the search has gained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from pathlib import Path
from statistics import fmean, variance

from scipy.stats import kendalltau

from mmbfbox.artifacts.finalists import (
    CANDIDATE,
    CONTROL,
    FINALISTS_FILE,
    FINALISTS_FOLDER,
    Finalist,
    FinalistsFile,
    RungResult,
    rung_file,
)
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.search.finalists.halving import Outcome, best_first, networks_of_rung


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
class Standings:
    """The finalists of a search, at whatever stage.

    Args:
        file: what is trained.
        results: of each rung, by the name of the network; in the order of ``file.networks``.
    """

    file: FinalistsFile
    results: tuple[Mapping[str, RungResult], ...]

    @classmethod
    def read(cls, work_dir: str | Path) -> Standings | None:
        """Read what there is in a search's work dir; None if it has no finalists.

        Raises:
            UserError: a file is damaged.
        """
        path = Path(work_dir) / FINALISTS_FOLDER / FINALISTS_FILE
        if not path.exists():
            return None
        file = FinalistsFile.read(path)
        names = [network.name for network in file.networks]
        results: list[dict[str, RungResult]] = []
        for rung in range(1, len(file.rungs) + 1):
            paths = {name: rung_file(work_dir, name, rung) for name in names}
            found = {name: RungResult.read(path) for name, path in paths.items() if path.exists()}
            if found:
                results.append(found)
            if len(found) < len(names) or rung == len(file.rungs):
                break
            # Not all that are there: with an earlier list of finalists others may have gone on.
            outcomes = [outcomes_of(found, file.metric)]
            names = networks_of_rung(names, outcomes, file.keep[rung - 1 : rung])
        return cls(file, tuple(results))

    @property
    def outcomes(self) -> list[dict[str, Outcome]]:
        """Score and loss at each rung that has results."""
        return [outcomes_of(results, self.file.metric) for results in self.results]

    @property
    def winner(self) -> Finalist | None:
        """The best network of the last rung; None before all have come there."""
        outcomes = self.outcomes
        if len(outcomes) < len(self.file.rungs):
            return None
        expected = set(self.names_of(len(outcomes)))
        order = best_first(outcomes[-1])
        return self.file[order[0]] if order and expected <= set(outcomes[-1]) else None

    def names_of(self, rung: int) -> list[str]:
        """The networks that are trained at a rung, counted from 1; the rungs before are complete."""
        names = [network.name for network in self.file.networks]
        return networks_of_rung(names, self.outcomes[: rung - 1], self.file.keep)

    def last_record(self, name: str) -> tuple[int, RunRecord] | None:
        """The highest rung that a network has come to, counted from 1, and its training up to there."""
        for rung in range(len(self.results), 0, -1):
            result = self.results[rung - 1].get(name)
            if result and result.record:
                return rung, result.record
        return None

    def error_of(self, name: str) -> str | None:
        """Why a training was lost; None if it was not."""
        errors = (results[name].error for results in self.results if name in results)
        return next((error for error in errors if error), None)

    def order(self) -> list[Finalist]:
        """All networks: those that have come further first, the better ones before."""
        place: dict[str, tuple[float, ...]] = {}
        outcomes = self.outcomes
        for network in self.file.networks:
            last = self.last_record(network.name)
            if last is None:
                place[network.name] = (0,)
            else:
                one = outcomes[last[0] - 1][network.name]
                place[network.name] = (-last[0], -(one.score or 0.0), one.loss)
        return sorted(self.file.networks, key=lambda network: place[network.name])

    def agreements(self) -> list[Agreement]:
        """Kendall's tau between one-shot scores and rungs, and between score and loss at each rung."""
        outcomes, metric = self.outcomes, self.file.metric
        one_shot = {n.name: n.scores[metric] for n in self.file.networks if metric in n.scores}
        scores = [
            {name: one.score for name, one in rung.items() if one.score is not None}
            for rung in outcomes
        ]
        losses = [
            {name: -one.loss for name, one in rung.items() if isfinite(one.loss)}
            for rung in outcomes
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

    def gain(self) -> Gain | None:
        """The gain over the controls at the first rung, where nothing is selected by training yet."""
        if not self.results:
            return None
        return self._difference(lambda one: one.score)

    def loss_gain(self) -> Gain | None:
        """The same for the training loss, which is less noisy; below zero, the candidates learn more."""
        if not self.results:
            return None
        return self._difference(lambda one: one.loss if isfinite(one.loss) else None)

    def _difference(self, value: Callable[[Outcome], float | None]) -> Gain | None:
        first = self.outcomes[0]
        groups = []
        for kind in (CANDIDATE, CONTROL):
            names = [n.name for n in self.file.networks if n.kind == kind and n.name in first]
            values = [value(first[name]) for name in names]
            groups.append([number for number in values if number is not None])
        if not all(groups):
            return None
        error = None
        if min(map(len, groups)) > 1:
            error = sqrt(sum(variance(group) / len(group) for group in groups))
        return Gain(fmean(groups[0]) - fmean(groups[1]), error, *map(len, groups))

    def costs(self) -> tuple[int, float]:
        """Training images, each time counted, and seconds that all trainings took up to now.

        Those of lost trainings are not known.
        """
        lasts = [self.last_record(network.name) for network in self.file.networks]
        records = [last[1] for last in lasts if last is not None]
        return sum(r.crops for r in records), sum(r.training.seconds for r in records)


def outcomes_of(results: Mapping[str, RungResult], metric: str) -> dict[str, Outcome]:
    """Score and loss of each network."""
    return {
        name: Outcome(result.record.score(metric), result.record.loss)
        if result.record is not None
        else Outcome(None)
        for name, result in results.items()
    }


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
