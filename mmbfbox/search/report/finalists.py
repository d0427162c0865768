"""The finalists of a search in its report: a table as text, and what the page and the figure show."""

from __future__ import annotations

from math import isfinite, nan
from typing import Any

from mmbfbox.artifacts.finalists import CANDIDATE, CONTROL, Finalist
from mmbfbox.search.finalists.standings import Gain, Standings
from mmbfbox.search.report.summary import SUBSETS, percent, readable

_KINDS = {CANDIDATE: 'searched', CONTROL: 'random'}


def finalists_table(standings: Standings) -> str:
    """Markdown: the networks with their scores at each rung, and what the rungs have shown."""
    file = standings.file
    rungs = [f'rung {number}: {iterations:,}' for number, iterations in enumerate(file.rungs, 1)]
    heads = [f'{rung} iterations, {file.metric} | loss' for rung in rungs]
    lines = [
        f'| network | what | one-shot {file.metric} | {" | ".join(heads)} | detector MACs |',
        f'|---|---|---|{"---|---|" * len(rungs)}---|',
    ]
    for network in standings.order():
        cells = [
            network.name,
            _KINDS.get(network.kind, network.kind),
            percent(network.scores.get(file.metric, nan)),
        ]
        for results in [*standings.results, *[{}] * (len(rungs) - len(standings.results))]:
            record = results[network.name].record if network.name in results else None
            lost = network.name in results and record is None
            score = percent(record.score(file.metric)) if record else 'lost' if lost else ''
            cells += [score, f'{record.loss:.3f}' if record else '']
        lines.append(f'| {" | ".join(cells)} | {readable(network.costs["detector_macs"])} |')
    said = ''.join(f'* {sentence}\n' for sentence in sentences(standings))
    return '\n'.join(lines) + f'\n\n{said}'.rstrip('\n')


def sentences(standings: Standings) -> list[str]:
    """What the rungs have shown, a sentence each."""
    metric, crops_seconds = standings.file.metric, standings.costs()
    said = []
    winner = standings.winner
    if winner is not None:
        rung, record = standings.last_record(winner.name) or (0, None)
        assert record is not None
        told = {
            CANDIDATE: 'one of the best candidates of the search',
            CONTROL: 'a random control: the search has found nothing better',
        }
        what = told.get(winner.kind, 'no network of the space: the search has found nothing better')
        said.append(
            f'The winner is {winner.name}, {what}; {metric} AP '
            f'{percent(record.score(metric))} at rung {rung}.'
        )
    gain, loss = standings.gain(), standings.loss_gain()
    if gain is not None:
        said.append(
            f'Over the controls the candidates gain {_points(gain, 100)} points of {metric} AP at rung 1 '
            f'({gain.candidates} candidates, {gain.controls} controls){_of_loss(loss)}.'
        )
    for agreement in standings.agreements():
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
        'metric': file.metric,
        'winner': standings.winner.name if standings.winner else None,
        'networks': [_network(standings, network) for network in standings.order()],
        'said': sentences(standings),
    }


def _network(standings: Standings, network: Finalist) -> dict[str, Any]:
    rungs = [results.get(network.name) for results in standings.results]
    records = [result and result.record for result in rungs]
    last = standings.last_record(network.name)
    return {
        'name': network.name,
        'kind': network.kind,
        'candidate': network.candidate,
        'error': standings.error_of(network.name),
        'macs': network.costs['detector_macs'],
        'oneShot': _known(network.scores),
        'scores': [record and _known(record.scores) for record in records],
        'losses': [record and round(record.loss, 4) for record in records],
        'curve': last[1].curve if last else [],
    }


def _known(scores: Any) -> dict[str, float | None]:
    """Scores in points of AP, None where there is none."""
    values = {name: scores.get(name, nan) for name in SUBSETS}
    values['mean'] = sum(values.values()) / len(SUBSETS)
    return {n: round(100 * value, 3) if isfinite(value) else None for n, value in values.items()}
