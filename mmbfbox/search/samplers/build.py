"""The strategy that a config names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.search.samplers.base import RandomStrategy, Strategy
from mmbfbox.search.samplers.evolution import EvolutionStrategy
from mmbfbox.search.samplers.regularized_evolution import AgeingStrategy
from mmbfbox.space import JointSpace

STRATEGIES: dict[str, type[RandomStrategy]] = {
    'random': RandomStrategy,
    'evolution': EvolutionStrategy,
    'ageing': AgeingStrategy,
}


def build_strategy(
    settings: Mapping[str, Any] | None, space: JointSpace, seed: int, metric: str
) -> Strategy:
    """Build a strategy.

    Args:
        settings: ``type`` (``'random'``, ``'evolution'`` or ``'ageing'``) and the strategy's own keys.
            None is random.
        space: what it draws from.
        seed: seed of all its draws.
        metric: score that it maximises.

    Raises:
        UserError: the type or a key is unknown, or a value is out of range.
    """
    options = dict(settings or {})
    name = options.pop('type', 'random')
    if name not in STRATEGIES:
        raise UserError(f'the search strategy {name!r} is not known; use {", ".join(STRATEGIES)}')
    kind = STRATEGIES[name]
    known = [
        key for key in inspect.signature(kind).parameters if key not in ('space', 'seed', 'metric')
    ]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise UserError(
            f'the strategy {name!r} has no key {unknown[0]!r}; it has {", ".join(known) or "none"}'
        )
    if kind is not RandomStrategy:
        options['metric'] = metric
    return kind(space, seed, **options)
