"""The keys of ``search`` in a config, and what may stand there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.utils.settings import check_keys, check_whole, is_number

NEEDED = ('candidates', 'seed', 'metric', 'size', 'constraints', 'best')
OPTIONAL = (
    *('sampler', 'freeze', 'latency', 'pruner', 'chunk', 'scorer', 'export', 'finalists'),
    *('recalibration', 'score'),
)
_LEAST = {'candidates': 1, 'best': 1, 'chunk': 1, 'seed': 0, 'export': 0}
"""Whole numbers, from these on."""
_PARTS = ('constraints', 'sampler', 'freeze', 'latency', 'pruner', 'scorer', 'finalists', 'score')
_WORDS = {bool: 'True or False', int: 'a whole number', float: 'a number', str: 'a word in quotes'}


def check_settings(settings: Mapping[str, Any] | None) -> None:
    """Check the keys of ``search`` and the types of their values; who uses a part checks what is in it.

    Raises:
        UserError: a key is missing or unknown, or has another value than it may have.
    """
    if not settings or not set(NEEDED) <= set(settings):
        raise UserError(
            f'the config has no complete "search" (keys {", ".join(NEEDED)}); inherit from one like '
            f'configs/paper/bfbox_search_wider_face.py'
        )
    check_keys('search', settings, [*NEEDED, *OPTIONAL])
    for key, least in _LEAST.items():
        value = settings.get(key)
        optional = key in OPTIONAL and value is None
        if not optional:
            check_whole(f'search.{key}', value, least)
    size = settings['size']
    sides = list(size) if isinstance(size, (list, tuple)) else []
    if len(sides) != 2 or not all(_fits(side, int) and side > 0 for side in sides):
        raise UserError(
            f'search.size is {size!r}, expected (height, width) in whole numbers of pixels'
        )
    for key in _PARTS:
        if settings.get(key) is not None and not isinstance(settings[key], Mapping):
            raise UserError(f'search.{key} is {settings[key]!r}, expected a dict of settings')


def check_types(place: str, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Check that each value is of the type of its key's default; a default of None allows any.

    Args:
        place: what the keys stand in, for the message.
        settings: the values that a config gives.
        defaults: default of each key.

    Raises:
        UserError: one is not.
    """
    for key, value in settings.items():
        kind = type(defaults.get(key))
        if kind in _WORDS and not _fits(value, kind):
            raise UserError(f'{place}.{key} is {value!r}, expected {_WORDS[kind]}')


def _fits(value: Any, kind: type) -> bool:
    if kind is float:
        return is_number(value)
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
