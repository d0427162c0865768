"""The scorer that a config asks for."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from mmengine import Config
from torch import Tensor

from mmbfbox.errors import UserError
from mmbfbox.search.scoring.fast import FastScorer
from mmbfbox.search.scoring.interface import Scorer
from mmbfbox.search.scoring.reference import ReferenceScorer
from mmbfbox.search.settings import check_types

SCORERS: dict[str, Any] = {'fast': FastScorer, 'reference': ReferenceScorer}
DEFAULT = 'fast'


def build_scorer(config: Config, weights: dict[str, Tensor], device: str | None = None) -> Scorer:
    """The scorer of ``config.search.scorer``: its ``type``, and keys of that class.

    Args:
        config: config of the search; :class:`FastScorer`, the default, and :class:`ReferenceScorer`
            say what they need of it.
        weights: state dict of the supernet.
        device: where to compute. Defaults to the device that mmengine finds.

    Raises:
        UserError: an unknown type or key, or what the scorer refuses.
    """
    kind, keys = check_scorer(config.get('search', {}).get('scorer'))
    scorer: Scorer = SCORERS[kind](config, weights, device, **keys)
    return scorer


def check_scorer(settings: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """The type of ``search.scorer`` and the keys of that class.

    Raises:
        UserError: an unknown type or key, or a value of another type than its default.
    """
    keys: dict[str, Any] = dict(settings or {})
    kind = keys.pop('type', DEFAULT)
    if not isinstance(kind, str) or kind not in SCORERS:
        raise UserError(f'search.scorer has the type {kind!r}; use one of {", ".join(SCORERS)}')
    known = set(_own_parameters(kind))
    if not set(keys) <= known:
        raise UserError(
            f'search.scorer has the keys {", ".join(sorted(set(keys) - known))}, which the {kind} scorer '
            f'does not know; it has {", ".join(sorted(known))}'
        )
    defaults = {name: parameter.default for name, parameter in _own_parameters(kind).items()}
    check_types('search.scorer', keys, defaults)
    return kind, keys


def complete_identity(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What :meth:`Scorer.identity` says, from one that leaves out what stands at its default."""
    kind = identity.get('type', DEFAULT)
    defaults = {
        name: parameter.default
        for name, parameter in _own_parameters(kind).items()
        if name not in SCORERS[kind].SPEED_ONLY
    }
    return {'type': kind, **defaults, **identity}


def _own_parameters(kind: str) -> dict[str, inspect.Parameter]:
    """The parameters that a config may set."""
    parameters = inspect.signature(SCORERS[kind]).parameters
    return {k: v for k, v in parameters.items() if k not in ('config', 'weights', 'device')}
