"""Parts of a config as frozen dataclasses: only keys that these have, each value of its kind."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

from mmbfbox.errors import UserError, near_names

Settings = TypeVar('Settings')


def build_settings(
    cls: type[Settings], place: str, settings: Mapping[str, Any] | None
) -> Settings | None:
    """An object from what a config says about it; None if that is None.

    Args:
        cls: a dataclass, whose fields are the keys.
        place: where the settings stand, like ``search.score``, for the message.
        settings: key to value.

    Raises:
        UserError: they are no keys and values, or one is unknown; and what ``cls`` raises.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Sampling:
        ...     seed: int = 0
        >>> build_settings(Sampling, 'sampling', dict(seed=3))
        Sampling(seed=3)
    """
    if settings is None:
        return None
    known = [one.name for one in fields(cls)]  # type: ignore[arg-type]
    if not isinstance(settings, Mapping):
        raise UserError(
            f'{place} is {settings!r}, expected a dict with keys of {", ".join(known)}; write dict() for the '
            f'defaults, None to do without'
        )
    check_keys(place, settings, known)
    return cls(**settings)


def check_keys(place: str, settings: Mapping[str, Any], known: list[str]) -> None:
    """Check that a part of a config has no key beside those that are known.

    Raises:
        UserError: it has one; the message names those that are like it, or all.
    """
    for key in sorted(set(settings) - set(known), key=str):
        near = near_names(str(key), known)
        meant = f'did you mean {" or ".join(near)}?' if near else f'expected {", ".join(known)}'
        raise UserError(f'{place} has the key {key!r}; {meant}')


def is_whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number from ``least`` on; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_number(value: Any) -> bool:
    """Whether a value is a finite number; True and False are none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def check_whole(place: str, value: Any, least: int) -> None:
    """Check that a value is a whole number.

    Args:
        place: key by key, like ``search.score.resamples``, for the message.
        value: what the config has.
        least: that it may be.

    Raises:
        UserError: it is none, or smaller.
    """
    if not is_whole(value, least):
        raise UserError(f'{place} is {value!r}, expected a whole number of {least} or more')
