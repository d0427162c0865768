"""The curves of the finalists as PNG."""

from __future__ import annotations

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmbfbox.artifacts.finalists import BASELINE, CANDIDATE, CONTROL
from mmbfbox.search.finalists.standings import Standings
from mmbfbox.utils.files import atomic_write

FIGURE = 'finalists.png'
_COLORS = {CANDIDATE: '#4a7299', CONTROL: '#8a6d3b', BASELINE: '#c2500f'}


def draw_finalists(standings: Standings, path: str | Path) -> None:
    """Write a PNG of training loss over iterations, and of AP at the rungs."""
    file = standings.file
    # No pyplot: it keeps figures alive and may want a display.
    figure = Figure(figsize=(10, 4), dpi=130, layout='constrained')
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(1, 2)
    told = set()
    for network in standings.order()[::-1]:
        color, label = _COLORS[network.kind], network.kind if network.kind not in told else None
        told.add(network.kind)
        records = [*standings.records_of(network.name).values()][: len(file.rungs)]
        if not records:
            continue
        iterations, means = zip(*records[-1].curve)
        losses.plot(iterations, means, color=color, lw=1, alpha=0.8)
        values = [100 * record.score(file.metric) for record in records]
        scores.plot(
            file.rungs[: len(values)], values, 'o-', color=color, lw=1, markersize=4, label=label
        )
    losses.set_ylabel('training loss')
    scores.set_ylabel(f'{file.metric} AP of averaged weights (%)')
    scores.legend(loc='lower right')
    for axes in (losses, scores):
        axes.set_xscale('log')
        axes.set_xlabel('iterations')
        axes.grid(alpha=0.3)
    with atomic_write(path) as temporary:
        figure.savefig(temporary)
