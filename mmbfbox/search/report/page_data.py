"""Everything that the page shows, as plain values for JSON.

Candidates are columns, and archs short codes, so that 10,000 candidates of the paper's space take about
one megabyte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, nan
from typing import Any

from mmbfbox.artifacts.attention import Attention
from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.search import SearchFile
from mmbfbox.evaluation.wider.noise import MEAN
from mmbfbox.search.constraints import COUNTED, LATENCY
from mmbfbox.search.denoising import ordering_score, standard_error
from mmbfbox.search.report.effects import Effect, choice_effects, edge_effects
from mmbfbox.search.report.source import Findings
from mmbfbox.search.report.summary import SUBSETS
from mmbfbox.search.report.trust import trust_sentences
from mmbfbox.space import Arch
from mmbfbox.space.arch import FIRST_LEVEL

_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'


def page_data(
    findings: Findings, attention: Attention | None, commands: Mapping[int, str]
) -> dict[str, Any]:
    """What the page's script reads.

    Args:
        findings: what was found, with at least one candidate scored on all images.
        attention: mean attention of each level, if it was measured.
        commands: for the best candidates, their place in ``findings.scored`` to the command that exports
            them, the best first.
    """
    search, plan, candidates = findings.search, findings.plan, findings.scored
    choices = sorted({name for c in candidates for stage in c.arch.stages for name in stage})
    if len(choices) > len(_DIGITS):
        raise ValueError(f'{len(choices)} different choices, expected {len(_DIGITS)} at most')
    digits = dict(zip(choices, _DIGITS))
    # A subset without faces has no AP, of whatever candidate.
    metric = ordering_score(candidates, search.metric)
    shown = dict.fromkeys((*SUBSETS, MEAN, search.metric, metric))
    subsets = [n for n in shown if all(isfinite(c.scores.get(n, nan)) for c in candidates)]
    measured = all(candidate.latency_ms is not None for candidate in candidates)
    costs = (*COUNTED, LATENCY) if measured else COUNTED
    return {
        'metric': metric,
        'space': search.space.name,
        'heldOut': str(search.held_out),
        'recalibration': str(search.recalibration),
        'subsets': subsets,
        'choices': choices,
        'depths': [len(stage) for stage in candidates[0].arch.stages],
        'firstLevel': FIRST_LEVEL,
        'laterals': _laterals(candidates),
        'targets': sorted(merge.target for merge in candidates[0].arch.merges),
        'index': [candidate.index for candidate in candidates],
        'arch': [_encode(candidate.arch, digits) for candidate in candidates],
        'scores': {
            name: [round(100 * candidate.scores[name], 3) for candidate in candidates]
            for name in subsets
        },
        'errors': {
            name: [round(100 * (standard_error(c, name) or 0.0), 3) for c in candidates]
            for name in subsets
            if all(standard_error(c, name) is not None for c in candidates)
        },
        'proxies': {
            name: [candidate.proxies.get(name) for candidate in candidates]
            for name in dict.fromkeys(name for c in candidates for name in c.proxies)
        },
        'said': trust_sentences(candidates, search),
        'costs': {cost: [getattr(candidate, cost) for candidate in candidates] for cost in costs},
        'effects': {name: _effects(candidates, name) for name in subsets},
        'attention': attention and attention.to_plain(),
        'best': [dict(place=place, command=command) for place, command in commands.items()],
        'facts': _facts(search),
        'wanted': plan and plan.wanted,
        'ends': {
            'rejected': plan and plan.rejected,
            'stopped': findings.stopped,
            'failed': findings.failed,
        },
        'seconds': round(sum(candidate.seconds for candidate in candidates), 1),
    }


def _laterals(candidates: Sequence[Candidate]) -> list[int]:
    """The levels that pyramids merge; the finest stages may have none."""
    merges = [merge for candidate in candidates for merge in candidate.arch.merges]
    return sorted({level for merge in merges for level in (merge.target, merge.source_level)})


def _encode(arch: Arch, digits: Mapping[str, str]) -> str:
    """``01.2|4c5 3p4``: one digit a slot, one point between stages, then the merges."""
    stages = '.'.join(''.join(digits[name] for name in stage) for stage in arch.stages)
    merges = ' '.join(f'{merge.target}{merge.source}' for merge in arch.merges)
    return f'{stages}|{merges}'


def _effects(candidates: Sequence[Candidate], metric: str) -> dict[str, Any]:
    """Effects in points of AP: ``[count, mean, spread, standard error]``, None what one candidate lacks."""
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


def _numbers(effect: Effect) -> list[float | None]:
    points = (effect.mean, effect.spread, effect.error)
    return [effect.count, *(None if value is None else round(100 * value, 3) for value in points)]


def _facts(search: SearchFile) -> list[list[str]]:
    """Name and text of everything that the search depends on."""
    facts = {**search.to_plain(), 'space': search.space.name}
    for name, images in (('recalibration', search.recalibration), ('held_out', search.held_out)):
        facts |= {
            f'{name}_images': f'{images} ({images.names})',
            f'{name}_pipeline': images.pipeline,
        }
        del facts[name]
    if search.allowed:
        del facts['allowed']
        left = (f'{place}: {" ".join(names)}' for place, names in search.allowed.items())
        facts['choices_left_by_training'] = '; '.join(left)
    return [[name.replace('_', ' '), _plain(value)] for name, value in facts.items()]


def _plain(value: Any) -> str:
    """A setting as one line of text."""
    if isinstance(value, Mapping):
        return ', '.join(f'{key} {_plain(item)}' for key, item in value.items()) or 'none'
    if isinstance(value, (list, tuple)):
        return ', '.join(map(_plain, value)) or 'none'
    if value is None:
        return 'none'
    return f'{value:.6g}' if isinstance(value, float) else str(value)
