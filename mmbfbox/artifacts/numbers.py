"""Results as JSON holds them: a number that does not exist is null."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from typing import Any

Numbers = Mapping[str, float]


def to_json_numbers(values: Numbers) -> dict[str, float | None]:
    """``values`` with None in the place of what is not finite.

    Example:
        >>> to_json_numbers({'hard': 0.5, 'easy': float('nan')})
        {'hard': 0.5, 'easy': None}
    """
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def from_json_numbers(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a file, with NaN in the place of null.

    Raises:
        ValueError: a value is no number.
    """
    numbers: dict[str, float] = {}
    for name, value in values.items():
        if value is None:
            numbers[name] = math.nan
        elif isinstance(value, Real) and not isinstance(value, bool):
            numbers[name] = value if isinstance(value, int) else float(value)
        else:
            raise ValueError(f'{name} is {value!r}, expected a number or null')
    return numbers
