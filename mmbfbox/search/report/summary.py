"""The best candidates: the front of score against cost, and a table as text."""

from __future__ import annotations

from collections.abc import Sequence
from math import isnan

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.denoising import standard_error

SUBSETS = ('easy', 'medium', 'hard')


def pareto_front(
    candidates: Sequence[Candidate], metric: str, cost: str = 'backbone_macs'
) -> list[Candidate]:
    """Candidates that no cheaper one equals in score, from the cheapest to the most expensive.

    Args:
        candidates: in any order.
        metric: the score, ``'easy'``, ``'medium'`` or ``'hard'``.
        cost: ``'backbone_macs'``, ``'detector_macs'`` or ``'params'``.
    """
    front: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (getattr(c, cost), -c.scores[metric])):
        if not front or candidate.scores[metric] > front[-1].scores[metric]:
            front.append(candidate)
    return front


def table(candidates: Sequence[Candidate], best: int) -> str:
    """Markdown table of the best candidates, which come first in ``candidates``."""
    # A denoised score, if there is one, ordered them.
    names = [*_denoised(candidates), *SUBSETS]
    lines = [
        f'| rank | candidate | {" | ".join(names)} | backbone MACs | detector MACs | params |',
        f'|---|---|{"---|" * len(names)}---|---|---|',
    ]
    for rank, candidate in enumerate(candidates[:best], 1):
        scores = ' | '.join(_with_error(candidate, name) for name in names)
        lines.append(
            f'| {rank} | {candidate.index} | {scores} | {readable(candidate.backbone_macs)} | '
            f'{readable(candidate.detector_macs)} | {readable(candidate.params)} |'
        )
    return '\n'.join(lines)


def _denoised(candidates: Sequence[Candidate]) -> list[str]:
    return (
        [name for name in candidates[0].scores if name.startswith('denoised')] if candidates else []
    )


def _with_error(candidate: Candidate, name: str) -> str:
    error = standard_error(candidate, name)
    return percent(candidate.scores[name]) + ('' if error is None else f' ± {100 * error:.2f}')


def percent(score: float) -> str:
    """``81.25``, or a dash for a score that does not exist."""
    return '–' if isnan(score) else f'{100 * score:.2f}'


def readable(number: float) -> str:
    """``2.93 G``, ``41.2 M`` or ``512 k``."""
    for factor, unit in ((1e9, 'G'), (1e6, 'M'), (1e3, 'k')):
        if number >= factor:
            return f'{number / factor:.3g} {unit}'
    return f'{number:.0f}'
