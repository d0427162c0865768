"""Tables as Markdown and CSV: the paper's number, ours with its spread over seeds, the difference."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmdet.registry import MODELS
from mmengine.registry import init_default_scope

from mmbfbox.artifacts.metrics import Metrics
from mmbfbox.evaluation.plots import write_csv
from mmbfbox.models import traced_macs
from mmbfbox.pipeline.inputs import file_hash
from mmbfbox.pipeline.step import Step
from mmbfbox.reproduce.plan import Plan
from mmbfbox.reproduce.tables import LEVELS, MACS, Row, config_name
from mmbfbox.utils.config import load_config
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.without_storage import without_storage

HEADINGS = {'all': 'all levels', MACS: 'backbone GMACs at 224'}
HEADER = (
    *('row', 'metric', 'paper', 'ours', 'spread', 'seeds', 'difference'),
    *('config', 'checkpoints', 'command'),
)


@dataclass(frozen=True)
class Result:
    """Our values of a row.

    Attributes:
        row: the row.
        values: for each metric one value a finished seed; AP in percent.
        checkpoints: hash of the checkpoint that each seed was tested with.
        command: reproduces the row.
    """

    row: Row
    values: Mapping[str, Sequence[float]]
    checkpoints: Sequence[str]
    command: str


def read_result(row: Row, tests: Sequence[Step], command: str) -> Result:
    """Read what the tests of a row's seeds found; unfinished ones are left out."""
    finished = [test for test in tests if test.done.exists()]
    values: dict[str, list[float]] = {metric: [] for metric in [*row.paper, MACS]}
    for test in finished:
        metrics = Metrics.read(test.done)
        for metric in row.paper:
            if metric != MACS:
                values[metric].append(100 * value_of(metrics, metric))
        values[MACS].append(backbone_macs(Path(test.reads[0])) / 1e9)
    hashes = [file_hash(Path(test.reads[1])) for test in finished]
    return Result(row, values, hashes, command)


def value_of(metrics: Metrics, metric: str) -> float:
    """A metric of ``metrics.json``: a subset of all levels, or hard AP of one level."""
    if metric in LEVELS:
        return metrics.levels[metric]['wider/hard']
    return metrics.scores.get(f'wider/{metric}', float('nan'))


def backbone_macs(config: Path) -> int:
    """Multiply-adds of the backbone at 224x224, as in the paper's table 9."""
    init_default_scope('mmdet')
    with without_storage():
        model = MODELS.build(load_config(config).model)
    return traced_macs(model, (224, 224))[0]


def spread(values: Sequence[float]) -> float | None:
    """Standard deviation over seeds; None of fewer than two."""
    return statistics.stdev(values) if len(values) > 1 else None


def write_table(path: Path, title: str, notes: Sequence[str], results: Sequence[Result]) -> str:
    """Write ``path`` with the suffixes ``.md`` and ``.csv``, and return the Markdown.

    Args:
        path: without suffix.
        title: first line.
        notes: sentences below it.
        results: one for each row.
    """
    metrics = list(dict.fromkeys(metric for result in results for metric in result.values))
    heads = ['row', *(HEADINGS.get(metric, metric) for metric in metrics), 'config', 'checkpoint']
    lines = [f'# {title}', '', *notes, '', f'| {" | ".join(heads)} |', '|---' * len(heads) + '|']
    for result in results:
        cells = [_cell(result, metric) for metric in metrics]
        checkpoints = ' '.join(result.checkpoints) or '-'
        lines.append(
            f'| {result.row.title} | {" | ".join(cells)} | {_config(result.row)} | {checkpoints} |'
        )
    lines += ['', *(f'    {result.command}' for result in results)]
    text = '\n'.join(lines) + '\n'
    write_csv(path.with_suffix('.csv'), HEADER, _csv_rows(results))
    with atomic_write(path.with_suffix('.md')) as temporary:
        temporary.write_text(text)
    return text


def _cell(result: Result, metric: str) -> str:
    """Paper / ours ± spread (difference)."""
    digits = 3 if metric == MACS else 2
    paper, values = result.row.paper.get(metric), result.values.get(metric, ())
    if paper is None and metric not in result.values:
        return ''
    told = '-' if paper is None else f'{paper:g}'
    if not values:
        return f'{told} / -'
    ours, deviation = statistics.mean(values), spread(values)
    text = f'{told} / {ours:.{digits}f}'
    text += '' if deviation is None else f' ± {deviation:.{digits}f}'
    return text if paper is None or metric == MACS else f'{text} ({ours - paper:+.1f})'


def _csv_rows(results: Sequence[Result]) -> list[list[object]]:
    rows: list[list[object]] = []
    for result in results:
        for metric, values in result.values.items():
            paper, ours = result.row.paper.get(metric), statistics.mean(values) if values else None
            numbers = [paper, ours, spread(values)]
            told = ['' if number is None else f'{number:.4f}' for number in numbers]
            difference = '' if paper is None or ours is None else f'{ours - paper:.4f}'
            rows.append(
                [
                    *(result.row.name, metric, *told, len(values), difference),
                    *(_config(result.row), ' '.join(result.checkpoints), result.command),
                ]
            )
    return rows


def _config(row: Row) -> str:
    """The configs that make a row, as ``tools/train.py`` finds them, and how they are changed."""
    names = ', '.join(config_name(name) for name in (row.config, *row.searches))
    changes = ' '.join(
        f'{key}={value:g}' if isinstance(value, float) else f'{key}={value}'
        for key, value in row.options.items()
    )
    return f'{names} ({changes})' if changes else names


def schedule(plan: Plan, states: Mapping[str, str], costs: Mapping[str, object]) -> str:
    """What there is to do: a line for each step, with its cost and its command."""
    lines = []
    for name, step in plan.steps.items():
        cost = f': {costs[name]}' if name in costs else ''
        lines += [f'{name}, {states[name]}{cost}', f'    {step.readable_command(plan.gpus)}']
    return '\n'.join(lines)
