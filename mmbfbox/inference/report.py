"""The table of what each pyramid level contributes."""

from __future__ import annotations

from collections.abc import Mapping


def level_table(metrics: Mapping[str, float]) -> str:
    """Markdown table, a row for each level.

    Args:
        metrics: results of :class:`~mmbfbox.inference.PerLevelMetric`, like ``p2/wider/hard``.
    """
    rows: dict[str, dict[str, float]] = {}
    for key, value in metrics.items():
        level, _, metric = key.partition('/')
        if not metric.endswith('/faces'):  # a count beside the rates of FDDB
            rows.setdefault(level, {})[metric] = value
    # All levels last, as in the paper's tables.
    names = [*(name for name in rows if name != 'all'), 'all']
    columns = list(rows['all'])
    lines = [f'| level | {" | ".join(columns)} |', '|---' * (len(columns) + 1) + '|']
    for name in names:
        cells = ' | '.join(f'{100 * rows[name][column]:.2f}' for column in columns)
        lines.append(f'| {name} | {cells} |')
    return '\n'.join(lines)
