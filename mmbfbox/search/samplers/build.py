"""The sampler that a config names."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.search.samplers.base import RandomSampler, Sampler
from mmbfbox.search.samplers.evolution import EvolutionSampler
from mmbfbox.search.samplers.regularized_evolution import RegularizedEvolutionSampler
from mmbfbox.search.settings import check_types
from mmbfbox.space import JointSpace

SAMPLERS: dict[str, type[RandomSampler]] = {
    'random': RandomSampler,
    'evolution': EvolutionSampler,
    'regularized_evolution': RegularizedEvolutionSampler,
}
RENAMED = {'ageing': 'regularized_evolution'}
"""Types that have another name now."""


def build_sampler(
    settings: Mapping[str, Any] | None, space: JointSpace, seed: int, metric: str
) -> Sampler:
    """Build a sampler.

    Args:
        settings: ``type`` (``'random'``, ``'evolution'`` or ``'regularized_evolution'``) and the
            sampler's own keys. None is random.
        space: what it draws from.
        seed: seed of all its draws.
        metric: score that it maximises.

    Raises:
        UserError: the type or a key is unknown, or a value is out of range.
    """
    options = complete_settings(settings)
    kind = SAMPLERS[options.pop('type')]
    if kind is not RandomSampler:
        options['metric'] = metric
    return kind(space, seed, **options)


def complete_settings(settings: Mapping[str, Any] | None) -> dict[str, Any]:
    """The ``type`` of a sampler and all of its own keys, with their defaults.

    Raises:
        UserError: the type or a key is unknown.
    """
    options = dict(settings or {})
    name = options.pop('type', 'random')
    if isinstance(name, str) and name in RENAMED:
        warnings.warn(
            f"the sampler '{name}' is '{RENAMED[name]}' now; use that name",
            FutureWarning,
            stacklevel=2,
        )
        name = RENAMED[name]
    if not isinstance(name, str) or name not in SAMPLERS:
        raise UserError(f'the search sampler {name!r} is not known; use {", ".join(SAMPLERS)}')
    parameters = inspect.signature(SAMPLERS[name]).parameters
    defaults = {
        key: parameter.default
        for key, parameter in parameters.items()
        if key not in ('space', 'seed', 'metric')
    }
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        raise UserError(
            f'the sampler {name!r} has no key {unknown[0]!r}; it has {", ".join(defaults) or "none"}'
        )
    check_types('search.sampler', options, defaults)
    return {'type': name, **defaults, **options}
