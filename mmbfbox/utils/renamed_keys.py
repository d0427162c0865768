"""Keys of configs that have another name now: the old one works, with one line that says the new one."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError

RENAMED_KEYS = {
    'search.limits': 'search.constraints',
    'search.strategy': 'search.sampler',
    'search.race': 'search.pruner',
}
"""Old dotted key to the new one; both stand in the same dict."""


def rename_keys(config: Config) -> None:
    """Give the old keys of a config their new names.

    Raises:
        UserError: a setting is given by both names.
    """
    for old, new in RENAMED_KEYS.items():
        parent, _, name = old.rpartition('.')
        settings = config.get(parent)
        if not isinstance(settings, dict) or name not in settings:
            continue
        _tell(old, new)
        value = settings.pop(name)
        key = new.rpartition('.')[2]
        # What inherits from a config of ours has its empty settings as well.
        if value and settings.get(key):
            raise UserError(f'the config has both {old} and {new}, which mean the same; keep {new}')
        if value or key not in settings:
            settings[key] = value


def rename_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options (dotted key to value) by their new names.

    Raises:
        UserError: a setting is given by both names.
    """
    renamed: dict[str, Any] = {}
    for key, value in options.items():
        name = key
        for old, new in RENAMED_KEYS.items():
            if key == old or key.startswith(f'{old}.'):
                name = new + key.removeprefix(old)
                _tell(old, new)
                if any(other == new or other.startswith(f'{new}.') for other in options):
                    raise UserError(
                        f'the options name both {old} and {new}, which mean the same; keep {new}'
                    )
        renamed[name] = value
    return renamed


def _tell(old: str, new: str) -> None:
    warnings.warn(f'the key {old} is {new} now; use that name', FutureWarning, stacklevel=3)
