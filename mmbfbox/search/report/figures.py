"""The report's main figures as PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.denoising import standard_error
from mmbfbox.search.report.effects import Effect, choice_effects, edge_effects, place_of
from mmbfbox.search.report.summary import pareto_front
from mmbfbox.space.arch import FIRST_LEVEL
from mmbfbox.utils.files import atomic_write

DOTS, FRONT, COLORS = '#4a7299', '#c2500f', 'PiYG'
STRONG, WEAK = '#1b2127', '#7c858e'
"""Text of effects, and of those that may well be chance."""


def write_figures(folder: str | Path, candidates: Sequence[Candidate], metric: str) -> None:
    """Write all figures into ``folder``.

    Args:
        folder: where they go.
        candidates: in the order in which they were scored; at least one.
        metric: the score that they show.
    """
    folder = Path(folder)
    draw(candidates, metric, folder / 'score_vs_macs.png')
    _draw_order(candidates, metric, folder / 'score_over_candidates.png')
    _draw_choices(candidates, metric, folder / 'choice_effects.png')
    _draw_edges(candidates, metric, folder / 'edge_effects.png')


def draw(candidates: Sequence[Candidate], metric: str, path: str | Path) -> None:
    """Write a PNG of AP against the backbone's multiply-adds, with the Pareto front."""
    scale, unit = (1e9, 'G') if max(c.backbone_macs for c in candidates) >= 1e9 else (1e6, 'M')
    front = pareto_front(candidates, metric)
    figure, axes = _figure(7, 4.5)
    _dots(
        axes,
        [candidate.backbone_macs / scale for candidate in candidates],
        [100 * candidate.scores[metric] for candidate in candidates],
    )
    errors = [standard_error(candidate, metric) for candidate in front]
    if all(error is not None for error in errors):
        axes.errorbar(
            [candidate.backbone_macs / scale for candidate in front],
            [100 * candidate.scores[metric] for candidate in front],
            yerr=[100 * (error or 0.0) for error in errors],
            fmt='none',
            ecolor=FRONT,
            alpha=0.6,
            capsize=2,
            label='standard error (images)',
        )
    axes.step(
        [candidate.backbone_macs / scale for candidate in front],
        [100 * candidate.scores[metric] for candidate in front],
        where='post',
        color=FRONT,
        marker='o',
        markersize=4,
        label='Pareto front',
    )
    axes.set_xlabel(f'backbone multiply-adds at 224x224 ({unit})')
    axes.set_ylabel(f'{metric} AP with supernet weights (%)')
    axes.legend(loc='lower right')
    _save(figure, path)


def _draw_order(candidates: Sequence[Candidate], metric: str, path: Path) -> None:
    scores = [100 * candidate.scores[metric] for candidate in candidates]
    order = range(1, len(scores) + 1)
    figure, axes = _figure(7, 4)
    _dots(axes, order, scores)
    best = np.maximum.accumulate(scores)
    axes.step(order, best, where='post', color=FRONT, label='best so far')
    axes.set_xlabel('candidates, in the order of their numbers')
    axes.set_ylabel(f'{metric} AP with supernet weights (%)')
    axes.legend(loc='lower right')
    _save(figure, path)


def _draw_choices(candidates: Sequence[Candidate], metric: str, path: Path) -> None:
    table = choice_effects(candidates, metric)
    rows = {
        f'c{level} slot {number}': effects
        for level, stage in enumerate(table, FIRST_LEVEL)
        for number, effects in enumerate(stage, 1)
    }
    names = sorted({name for effects in rows.values() for name in effects}, key=place_of)
    cells = {
        (row, column): effects[name]
        for row, effects in enumerate(rows.values())
        for column, name in enumerate(names)
        if name in effects
    }
    title = f'effect of each choice on {metric} AP (points), and its standard error'
    _draw_grid(cells, list(rows), names, title, path)


def _draw_edges(candidates: Sequence[Candidate], metric: str, path: Path) -> None:
    effects = edge_effects(candidates, metric)
    targets = sorted({target for target, _ in effects})
    sources = sorted({source for _, source in effects}, key=lambda name: (name[0], int(name[1:])))
    cells = {
        (targets.index(target), sources.index(source)): effect
        for (target, source), effect in effects.items()
    }
    title = f'effect of each FPN edge on {metric} AP (points), and its standard error'
    _draw_grid(cells, [f'p{target} =' for target in targets], sources, title, path)


def _draw_grid(
    cells: dict[tuple[int, int], Effect],
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    path: Path,
) -> None:
    """Effects as a coloured grid with their numbers."""
    values = np.full((len(rows), len(columns)), np.nan)
    for place, effect in cells.items():
        values[place] = 100 * effect.mean
    # As on the page: what was seen once or twice does not set the scale of the colours.
    reach = max([0.01, *(100 * abs(effect.mean) for effect in cells.values() if effect.count > 2)])
    figure, axes = _figure(1.6 + 0.85 * len(columns), 1.1 + 0.42 * len(rows))
    axes.imshow(values, cmap=COLORS, vmin=-1.6 * reach, vmax=1.6 * reach, aspect='auto')
    for (row, column), effect in cells.items():
        error = '–' if effect.error is None else f'±{100 * effect.error:.2f}'
        text, color = f'{100 * effect.mean:+.2f}\n{error}', WEAK if effect.unclear else STRONG
        axes.text(column, row, text, ha='center', va='center', fontsize=6.5, color=color)
    axes.set_xticks(range(len(columns)), columns, fontsize=8)
    axes.set_yticks(range(len(rows)), rows, fontsize=8)
    axes.set_title(title, fontsize=9, wrap=True)
    axes.tick_params(length=0)
    axes.grid(visible=False)
    _save(figure, path)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    # No pyplot: it keeps figures alive and may want a display.
    figure = Figure(figsize=(width, height), dpi=130, layout='constrained')
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.grid(alpha=0.3)
    axes.set_axisbelow(True)
    return figure, axes


def _dots(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    size = 18 if len(x) < 800 else 6
    alpha = 0.75 if len(x) < 800 else 0.4
    axes.scatter(x, y, s=size, color=DOTS, alpha=alpha, lw=0, label=f'{len(x)} candidates')


def _save(figure: Figure, path: str | Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary)
