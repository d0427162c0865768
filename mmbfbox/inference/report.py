"""The table of what each pyramid level contributes."""

from __future__ import annotations

from mmbfbox.artifacts.metrics import Metrics


def level_table(metrics: Metrics) -> str:
    """Markdown table, a row for each level and one for all, in percent.

    Args:
        metrics: results of a test with :class:`~mmbfbox.inference.PerLevelMetric`.
    """
    # A count stands beside the rates of FDDB.
    columns = [name for name in metrics.scores if not name.endswith('/faces')]
    lines = [f'| level | {" | ".join(columns)} |', '|---' * (len(columns) + 1) + '|']
    # All levels last, as in the paper's tables.
    for level, scores in [*metrics.levels.items(), ('all', metrics.scores)]:
        cells = ' | '.join(f'{100 * scores[column]:.2f}' for column in columns)
        lines.append(f'| {level} | {cells} |')
    return '\n'.join(lines)
