"""What a search found: a picture of score against cost, and a table of the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmbfbox.search.results import Candidate
from mmbfbox.utils.files import atomic_write


def pareto_front(candidates: Sequence[Candidate], metric: str) -> list[Candidate]:
    """Candidates that no cheaper one equals in score, from the cheapest to the dearest."""
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.backbone_macs, -c.scores[metric])):
        if not front or candidate.scores[metric] > front[-1].scores[metric]:
            front.append(candidate)
    return front


def table(candidates: Sequence[Candidate], best: int) -> str:
    """Markdown table of the best candidates, which come first in ``candidates``."""
    lines = [
        '| rank | candidate | easy | medium | hard | backbone MACs | detector MACs | params |',
        '|---|---|---|---|---|---|---|---|',
    ]
    for rank, candidate in enumerate(candidates[:best], 1):
        scores = ' | '.join(
            f'{100 * candidate.scores[name]:.2f}' for name in ('easy', 'medium', 'hard')
        )
        lines.append(
            f'| {rank} | {candidate.index} | {scores} | {readable(candidate.backbone_macs)} | '
            f'{readable(candidate.detector_macs)} | {readable(candidate.params)} |'
        )
    return '\n'.join(lines)


def readable(number: float) -> str:
    """``2.93 G``, ``41.2 M`` or ``512 k``."""
    for factor, unit in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if number >= factor:
            return f'{number / factor:.3g} {unit}'
    return f'{number:.0f}'


def draw(candidates: Sequence[Candidate], metric: str, path: str | Path) -> None:
    """Write a PNG of AP against the backbone's multiply-adds, with the Pareto front."""
    import matplotlib

    matplotlib.use('Agg')
    from matplotlib import pyplot as plt

    scale, unit = (1e9, 'G') if max(c.backbone_macs for c in candidates) >= 1e9 else (1e6, 'M')
    front = pareto_front(candidates, metric)
    figure, axes = plt.subplots(figsize=(7, 4.5), dpi=120)
    axes.scatter(
        [c.backbone_macs / scale for c in candidates],
        [100 * c.scores[metric] for c in candidates],
        s=18,
        color='#7a8ca3',
        label=f'{len(candidates)} candidates',
    )
    axes.step(
        [c.backbone_macs / scale for c in front],
        [100 * c.scores[metric] for c in front],
        where='post',
        color='#c8502d',
        marker='o',
        markersize=4,
        label='Pareto front',
    )
    axes.set_xlabel(f'backbone multiply-adds at 224x224 ({unit})')
    axes.set_ylabel(f'{metric} AP with supernet weights (%)')
    axes.grid(alpha=0.3)
    axes.legend(loc='lower right')
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary)
    plt.close(figure)
