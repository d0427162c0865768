"""Everything that the page shows, as plain values for JSON.

Candidates are columns, and archs short codes, so that 10,000 candidates of the paper's space take about
one megabyte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmbfbox.search.constraints import COUNTED, LATENCY
from mmbfbox.search.report.effects import Effect, choice_effects, edge_effects
from mmbfbox.search.report.source import Search
from mmbfbox.search.report.summary import SUBSETS
from mmbfbox.search.storage.candidates import Candidate
from mmbfbox.space import Arch
from mmbfbox.space.arch import FIRST_LEVEL

_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'


def page_data(
    search: Search,
    metric: str,
    attention: Mapping[str, Any] | None,
    commands: Mapping[int, str],
) -> dict[str, Any]:
    """What the page's script reads.

    Args:
        search: the search, with at least one candidate scored on all images.
        metric: the score that ranks.
        attention: what :func:`~mmbfbox.search.scoring.attention.measure_attention` gave.
        commands: for the best candidates, their place in ``search.scored`` to the command that exports
            them, the best first.
    """
    candidates = search.scored
    choices = sorted({name for c in candidates for stage in c.arch.stages for name in stage})
    if len(choices) > len(_DIGITS):
        raise ValueError(f'{len(choices)} different choices, expected {len(_DIGITS)} at most')
    digits = dict(zip(choices, _DIGITS))
    subsets = [name for name in SUBSETS if name in candidates[0].scores]
    measured = all(candidate.latency_ms is not None for candidate in candidates)
    costs = (*COUNTED, LATENCY) if measured else COUNTED
    return {
        'metric': metric,
        'subsets': subsets,
        'choices': choices,
        'depths': [len(stage) for stage in candidates[0].arch.stages],
        'firstLevel': FIRST_LEVEL,
        'targets': sorted(merge.target for merge in candidates[0].arch.merges),
        'index': [candidate.index for candidate in candidates],
        'arch': [_encode(candidate.arch, digits) for candidate in candidates],
        'scores': {
            name: [round(100 * candidate.scores[name], 3) for candidate in candidates]
            for name in subsets
        },
        'costs': {cost: [getattr(candidate, cost) for candidate in candidates] for cost in costs},
        'effects': {name: _effects(candidates, name) for name in subsets},
        'attention': dict(attention) if attention else None,
        'best': [dict(place=place, command=command) for place, command in commands.items()],
        'facts': [[name.replace('_', ' '), _plain(value)] for name, value in search.facts.items()],
        'wanted': search.wanted,
        'ends': {
            'rejected': None if search.rejected is None else dict(search.rejected),
            'stopped': search.stopped,
            'failed': search.failed,
        },
        'seconds': round(sum(candidate.seconds for candidate in candidates), 1),
    }


def _encode(arch: Arch, digits: Mapping[str, str]) -> str:
    """``01.2|4c5 3p4``: one digit a slot, one point between stages, then the merges."""
    stages = '.'.join(''.join(digits[name] for name in stage) for stage in arch.stages)
    merges = ' '.join(f'{merge.target}{merge.source}' for merge in arch.merges)
    return f'{stages}|{merges}'


def _effects(candidates: Sequence[Candidate], metric: str) -> dict[str, Any]:
    """Effects in points of AP: ``[count, mean, spread, standard error]``."""
    return {
        'slots': [
            [{name: _numbers(effect) for name, effect in slot.items()} for slot in stage]
            for stage in choice_effects(candidates, metric)
        ],
        'edges': {
            f'{target}{source}': _numbers(effect)
            for (target, source), effect in sorted(edge_effects(candidates, metric).items())
        },
    }


def _numbers(effect: Effect) -> list[float]:
    points = (100 * value for value in (effect.mean, effect.spread, effect.error))
    return [effect.count, *(round(value, 3) for value in points)]


def _plain(value: Any) -> str:
    """A setting as one line of text."""
    if isinstance(value, Mapping):
        return ', '.join(f'{key} {_plain(item)}' for key, item in value.items()) or 'none'
    if isinstance(value, (list, tuple)):
        return ', '.join(map(_plain, value)) or 'none'
    return f'{value:.6g}' if isinstance(value, float) else str(value)
