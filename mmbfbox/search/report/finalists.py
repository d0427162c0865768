"""The finalists of a search in its report: a table as text, and what the page shows."""

from __future__ import annotations

from math import isfinite, nan
from statistics import fmean
from typing import Any

from mmbfbox.artifacts.finalists import CANDIDATE, CONTROL, Finalist
from mmbfbox.search.finalists.findings import Gain, agreements, gain, loss_gain, seed_noise
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.search.report.summary import SUBSETS, percent, readable

_KINDS = {CANDIDATE: 'searched', CONTROL: 'random'}


def finalists_table(standings: Standings) -> str:
    """Markdown: the networks with their scores in each round, and what the rounds have shown."""
    file = standings.file
    rungs = [f'rung {number}: {iterations:,}' for number, iterations in enumerate(file.rungs, 1)]
    heads = [f'{rung} iterations, {file.metric} | loss' for rung in rungs]
    heads += [
        f'repeat {number}, {file.metric} | loss' for number in range(1, len(file.repeats) + 1)
    ]
    mean = [f'mean {file.metric}'] if file.repeats else []
    columns = ['network', 'what', f'one-shot {file.metric}', *heads, *mean, 'detector MACs']
    lines = [f'| {" | ".join(columns)} |']
    lines.append('|---' * lines[0].count(' | ') + '|---|')
    for network in standings.order():
        cells = [
            network.name,
            _KINDS.get(network.kind, network.kind),
            percent(network.scores.get(file.metric, nan)),
        ]
        for results in [*standings.results, *[{}] * (len(heads) - len(standings.results))]:
            record = results[network.name].record if network.name in results else None
            lost = network.name in results and record is None
            score = percent(record.score(file.metric)) if record else 'lost' if lost else ''
            cells += [score, f'{record.loss:.3f}' if record else '']
        if mean:
            whole = _mean_of(standings, network)
            cells.append('' if whole is None else percent(whole))
        lines.append(f'| {" | ".join(cells)} | {readable(network.costs["detector_macs"])} |')
    said = ''.join(f'* {sentence}\n' for sentence in sentences(standings))
    return '\n'.join(lines) + f'\n\n{said}'.rstrip('\n')


def sentences(standings: Standings) -> list[str]:
    """What the rounds have shown, a sentence each."""
    metric, crops_seconds = standings.file.metric, standings.costs()
    said = []
    winner = standings.winner
    if winner is not None:
        told = {
            CANDIDATE: 'one of the best candidates of the search',
            CONTROL: 'a random control: the search has found nothing better',
        }
        what = told.get(winner.kind, 'no network of the space: the search has found nothing better')
        said.append(
            f'The winner is {winner.name}, {what}; {metric} AP {_of_winner(standings, winner)}.'
        )
    gained = gain(standings)
    if gained is not None:
        said.append(
            f'Over the controls the candidates gain {_points(gained, 100)} points of {metric} AP at rung 1 '
            f'({_counted(gained.candidates, "candidate")}, {_counted(gained.controls, "control")})'
            f'{_of_loss(loss_gain(standings))}.'
        )
    noise = seed_noise(standings)
    if noise is not None:
        said.append(
            f'Trainings of one network with different seeds differ by {100 * noise.deviation:.2f} points of '
            f'{metric} AP (standard deviation; {noise.trainings} trainings of '
            f'{_counted(noise.networks, "network")}).'
        )
    for agreement in agreements(standings):
        if agreement.tau is not None:
            said.append(
                f"Kendall's tau of {agreement.what}: {agreement.tau:+.2f} ({agreement.networks} networks)."
            )
    crops, seconds = crops_seconds
    said.append(f'All trainings together took {crops:,} images and {seconds / 3600:.2f} hours.')
    for network in standings.file.networks:
        error = standings.error_of(network.name)
        if error:
            said.append(f'{network.name} was lost: {error}')
    return said


def _counted(number: int, what: str) -> str:
    return f'{number} {what}{"" if number == 1 else "s"}'


def _of_winner(standings: Standings, winner: Finalist) -> str:
    file, records = standings.file, standings.records_of(winner.name)
    if file.repeats:
        number = len(standings.trainings_of(winner.name))
        return f'{percent(_mean_of(standings, winner) or nan)} in the mean of {number} trainings'
    return f'{percent(records[file.rounds[-1]].score(file.metric))} at rung {len(file.rungs)}'


def _mean_of(standings: Standings, network: Finalist) -> float | None:
    """Mean score of a network's whole trainings; None before the first."""
    file = standings.file
    if file.rounds[len(file.rungs) - 1] not in standings.records_of(network.name):
        return None
    records = standings.trainings_of(network.name).values()
    return fmean(record.score(file.metric) for record in records)


def _points(gain: Gain, scale: float) -> str:
    error = '' if gain.error is None else f' ± {scale * gain.error:.2f}'
    return f'{scale * gain.mean:+.2f}{error}'


def _of_loss(loss: Gain | None) -> str:
    return '' if loss is None else f'; their training loss differs by {_points(loss, 1)}'


def page_of(standings: Standings) -> dict[str, Any]:
    """What the page's script reads."""
    file = standings.file
    return {
        'rungs': file.rungs,
        'repeats': len(file.repeats),
        'metric': file.metric,
        'winner': standings.winner.name if standings.winner else None,
        'networks': [_network(standings, network) for network in standings.order()],
        'said': sentences(standings),
    }


def _network(standings: Standings, network: Finalist) -> dict[str, Any]:
    rounds = [results.get(network.name) for results in standings.results]
    records = [result and result.record for result in rounds]
    of_rungs = [record for record in records[: len(standings.file.rungs)] if record]
    mean = _mean_of(standings, network)
    return {
        'name': network.name,
        'kind': network.kind,
        'candidate': network.candidate,
        'error': standings.error_of(network.name),
        'macs': network.costs['detector_macs'],
        'oneShot': _known(network.scores),
        'scores': [record and _known(record.scores) for record in records],
        'losses': [record and round(record.loss, 4) for record in records],
        'mean': None if mean is None else round(100 * mean, 3),
        'curve': of_rungs[-1].curve if of_rungs else [],
    }


def _known(scores: Any) -> dict[str, float | None]:
    """Scores in points of AP, None where there is none."""
    values = {name: scores.get(name, nan) for name in SUBSETS}
    values['mean'] = sum(values.values()) / len(SUBSETS)
    return {n: round(100 * value, 3) if isfinite(value) else None for n, value in values.items()}
