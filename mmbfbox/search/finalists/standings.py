"""Who stands where after the rounds that there are: results, who goes on, the winner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mmbfbox.artifacts.finalists import (
    FINALISTS_FILE,
    FINALISTS_FOLDER,
    Finalist,
    FinalistsFile,
    RoundResult,
    result_file,
)
from mmbfbox.artifacts.run_record import RunRecord
from mmbfbox.search.finalists.halving import (
    Outcome,
    best_first,
    mean_outcome,
    networks_of_round,
)


@dataclass(frozen=True)
class Standings:
    """The finalists of a search, at whatever stage.

    Args:
        file: what is trained.
        results: of each round, by the name of the network; in the order of ``file.networks``.
    """

    file: FinalistsFile
    results: tuple[Mapping[str, RoundResult], ...]

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
        standings = cls(file, ())
        for number, of_round in enumerate(file.rounds, 1):
            # Not all that are there: with an earlier list of finalists others may have gone on.
            names = standings.names_of(number)
            paths = {name: result_file(work_dir, name, of_round) for name in names}
            found = {name: RoundResult.read(path) for name, path in paths.items() if path.exists()}
            if found:
                standings = cls(file, (*standings.results, found))
            if len(found) < len(names) or not found:
                break
        return standings

    @property
    def outcomes(self) -> list[dict[str, Outcome]]:
        """Score and loss in each round that has results; in a repeat the mean of the trainings up to it."""
        single = [_outcomes_of(results, self.file.metric) for results in self.results]
        whole = len(self.file.rungs) - 1
        return [
            {name: mean_outcome([each[name] for each in single[whole : number + 1]]) for name in one}
            if number > whole
            else one
            for number, one in enumerate(single)
        ]  # fmt: skip

    @property
    def winner(self) -> Finalist | None:
        """The best network of the last round; None before all have come there."""
        outcomes = self.outcomes
        if len(outcomes) < len(self.file.rounds):
            return None
        expected = set(self.names_of(len(outcomes)))
        order = best_first(outcomes[-1])
        return self.file[order[0]] if order and expected <= set(outcomes[-1]) else None

    def names_of(self, number: int) -> list[str]:
        """The networks that are trained in a round, counted from 1; the rounds before are complete."""
        names = [network.name for network in self.file.networks]
        return networks_of_round(names, self.outcomes[: number - 1], self.file.goes_on)

    def records_of(self, name: str) -> dict[str, RunRecord]:
        """The records of a network by round, as far as it has come."""
        rounds = zip(self.file.rounds, self.results)
        found = {of_round: results.get(name) for of_round, results in rounds}
        return {
            of_round: result.record for of_round, result in found.items() if result and result.record
        }  # fmt: skip

    def trainings_of(self, name: str) -> dict[str, RunRecord]:
        """The records of a network's trainings with different seeds, each as far as it has come, by round."""
        records, rungs = self.records_of(name), len(self.file.rungs)
        of_rungs = [each for each in self.file.rounds[:rungs] if each in records]
        kept = [*of_rungs[-1:], *self.file.rounds[rungs:]]
        return {of_round: records[of_round] for of_round in kept if of_round in records}

    def best_training_of(self, name: str) -> str:
        """The round that ended a network's best whole training; there is one."""
        trainings = self.trainings_of(name)
        return max(trainings, key=lambda of_round: trainings[of_round].score(self.file.metric))

    def error_of(self, name: str) -> str | None:
        """Why a training was lost; None if it was not."""
        errors = (results[name].error for results in self.results if name in results)
        return next((error for error in errors if error), None)

    def order(self) -> list[Finalist]:
        """All networks: those that have come further first, the better ones before."""
        place: dict[str, tuple[float, ...]] = {}
        outcomes = self.outcomes
        for network in self.file.networks:
            come = len(self.records_of(network.name))
            place[network.name] = (0,)
            if come:
                one = outcomes[come - 1][network.name]
                place[network.name] = (-come, -(one.score or 0.0), one.loss)
        return sorted(self.file.networks, key=lambda network: place[network.name])

    def costs(self) -> tuple[int, float]:
        """Training images, each time counted, and seconds that all trainings took up to now.

        Those of lost trainings are not known.
        """
        records = [
            record
            for network in self.file.networks
            for record in self.trainings_of(network.name).values()
        ]
        return sum(r.crops for r in records), sum(r.training.seconds for r in records)


def _outcomes_of(results: Mapping[str, RoundResult], metric: str) -> dict[str, Outcome]:
    """Score and loss of each network."""
    return {
        name: Outcome(result.record.score(metric), result.record.loss)
        if result.record is not None
        else Outcome(None)
        for name, result in results.items()
    }
