"""Curves of the protocols as PNG and CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from mmbfbox.utils.files import atomic_write

Floats = NDArray[np.float64]
LINE_STYLES = ('-', '--', '-.', ':')


def write_csv(path: str | Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a header and rows as comma-separated values."""
    with atomic_write(path) as temporary, temporary.open('w', newline='') as handle:
        writer = csv.writer(handle, lineterminator='\n')
        writer.writerow(header)
        writer.writerows(rows)


def _axes(title: str, x: str, y: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.4, 5.2), layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(color='0.88', linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _draw(axes: Axes, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]) -> None:
    for index, (label, (x, y)) in enumerate(curves.items()):
        # Colours repeat after ten curves; another dash keeps them apart.
        style = LINE_STYLES[index // 10 % len(LINE_STYLES)]
        axes.plot(x, y, label=label, color=f'C{index % 10}', linestyle=style, linewidth=1.8)


def _save(figure: Figure, axes: Axes, path: str | Path, legend: str) -> None:
    # Beyond a dozen curves the legend would hide them, so it moves below the axes.
    if len(axes.lines) > 12:
        figure.legend(loc='outside lower center', ncols=2, fontsize=8)
    else:
        axes.legend(loc=legend, fontsize=9, framealpha=0.9)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=150)


def plot_precision_recall(
    path: str | Path, title: str, curves: Mapping[str, tuple[float, ArrayLike, ArrayLike]]
) -> None:
    """Precision over recall, best AP first in the legend.

    Args:
        path: of the PNG.
        title: above the figure.
        curves: ``{detector: (AP as a fraction, recall, precision)}``, in order of recall.
    """
    figure, axes = _axes(title, 'Recall', 'Precision')
    ranked = sorted(curves.items(), key=lambda item: -np.nan_to_num(item[1][0]))
    _draw(axes, {f'{name} (AP {100 * ap:.2f})': (x, y) for name, (ap, x, y) in ranked})
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    _save(figure, axes, path, 'lower left')


def plot_roc(
    path: str | Path,
    title: str,
    curves: Mapping[str, tuple[ArrayLike, ArrayLike]],
    y: str = 'True positive rate',
    most: int = 2000,
) -> None:
    """A rate over the number of false positives, up to ``most``.

    Args:
        path: of the PNG.
        title: above the figure.
        curves: ``{label: (false positives, rate)}``, in order of the false positives.
        y: label of the rate.
        most: false positives at the right end of the axis.
    """
    figure, axes = _axes(title, 'False positives', y)
    _draw(axes, curves)
    axes.set(xlim=(0, most), ylim=(0, 1.02))
    _save(figure, axes, path, 'lower right')


def plot_distribution(
    path: str | Path, title: str, x: str, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> None:
    """Cumulative distributions over a size in pixels, on a logarithmic axis.

    Args:
        path: of the PNG.
        title: above the figure.
        x: label of the size.
        curves: ``{label: (sizes, fraction at most that size)}``.
    """
    figure, axes = _axes(title, x, 'Fraction of faces')
    _draw(axes, curves)
    axes.set_xscale('log', base=2)
    ticks = [4, 8, 16, 32, 64, 128, 256, 512, 1024]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set(xlim=(2, 1024), ylim=(0, 1.02))
    _save(figure, axes, path, 'lower right')


def plot_ap(
    path: str | Path, title: str, x: str, curves: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> None:
    """AP over a setting, each value marked.

    Args:
        path: of the PNG.
        title: above the figure.
        x: label of the setting.
        curves: ``{label: (settings, AP in percent)}``, in order of the settings.
    """
    figure, axes = _axes(title, x, 'AP (%)')
    _draw(axes, curves)
    for line in axes.lines:
        line.set_marker('o')
    _save(figure, axes, path, 'best')
