"""Figures of the pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmbfbox.utils.files import atomic_write

DOTS, MARK, COLORS = '#4a7299', '#c2500f', 'PiYG'


def _axes(width: float, height: float, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=130, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=10)
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary)


def draw_factorial(path: Path, table: np.ndarray, title: str) -> None:
    """Mean AP of each backbone (row) with each topology (column), as a coloured grid.

    Args:
        path: of the PNG.
        table: ``(backbones, topologies)`` in percent; nan where nothing is known.
        title: above it.
    """
    figure, axes = _axes(4.6, 5.2, title)
    middle, reach = np.nanmean(table), max(0.1, float(np.nanmax(abs(table - np.nanmean(table)))))
    axes.imshow(
        table, cmap=COLORS, vmin=middle - 1.6 * reach, vmax=middle + 1.6 * reach, aspect='auto'
    )
    for (row, column), value in np.ndenumerate(table):
        if np.isfinite(value):
            axes.text(column, row, f'{value:.1f}', ha='center', va='center', fontsize=8)
    axes.set_xticks(range(table.shape[1]), [f'm{number}' for number in range(table.shape[1])])
    axes.set_yticks(range(table.shape[0]), [f'b{number:02d}' for number in range(table.shape[0])])
    axes.set(xlabel='topology', ylabel='backbone')
    axes.grid(visible=False)
    _save(figure, path)


def draw_taus(
    path: Path, rows: Mapping[str, tuple[float, float, float]], ceiling: float, title: str
) -> None:
    """Tau of each score with its interval.

    Args:
        path: of the PNG.
        rows: tau, and the lower and the upper end of its interval.
        ceiling: tau of a perfect score; a line.
        title: above it.
    """
    figure, axes = _axes(7, 1.2 + 0.3 * len(rows), title)
    places = np.arange(len(rows))[::-1]
    values = np.array(list(rows.values()))
    axes.hlines(places, values[:, 1], values[:, 2], color=DOTS, alpha=0.6, linewidth=2)
    axes.scatter(values[:, 0], places, color=DOTS, zorder=3)
    axes.axvline(0, color='0.5', linewidth=0.8)
    axes.axvline(ceiling, color=MARK, linestyle='--', label='a perfect score')
    axes.set_yticks(places, list(rows), fontsize=8)
    axes.set_xlabel("Kendall's tau with training from scratch")
    axes.legend(loc='lower right', fontsize=8)
    _save(figure, path)


def draw_regrets(
    path: Path, lines: Mapping[str, Sequence[tuple[float, float]]], y: str, title: str
) -> None:
    """Mean regret over cost, a line for each method that can be had at several costs.

    Args:
        path: of the PNG.
        lines: pairs of a cost in whole trainings, and a regret.
        y: label of the regret.
        title: above it.
    """
    figure, axes = _axes(7, 4.5, title)
    for number, (name, points) in enumerate(lines.items()):
        costs, values = zip(*sorted(points), strict=True)
        style = '-' if number < 10 else '--'
        axes.plot(costs, values, marker='o', label=name, color=f'C{number % 10}', linestyle=style)
    axes.set(xlabel='cost in whole trainings of a network', ylabel=y)
    axes.set_xscale('symlog', linthresh=1)
    axes.legend(fontsize=8)
    _save(figure, path)
