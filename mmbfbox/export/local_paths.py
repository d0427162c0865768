"""Taking paths of this machine out of what is handed out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PureWindowsPath
from typing import Any

LOCAL = 'local'
"""Stands for a folder of the machine that a config was used on."""

_PATH = re.compile(
    r"""(?<![\w.~/\\-])      # not in the middle of a word, of a relative path or of a URL
    (?: file:
    |   ~[\w.-]*[/\\]        # somebody's home folder
    |   \.\.[/\\]            # a folder beside the one where a command was run
    |   [A-Za-z]:[/\\](?!/)  # a drive of Windows, but not a URL with a scheme of one letter
    |   \\\\\w               # a host of Windows
    |   /\w
    |   (?<!:)//+\w
    )""",
    re.VERBOSE,
)


def without_local_paths(value: Any) -> tuple[Any, list[str]]:
    """A copy of plain values in which no string names a file of this machine.

    A path becomes ``local/<file name>``, that of a folder, or a text with a path in it, ``local``:
    the name of a folder may be that of a person. URLs and paths below the folder in which a command was run
    stay, except that weights to start from (``type='Pretrained'``) go unless they have a URL: nobody else has
    them.

    Args:
        value: dicts, lists, tuples and whatever stands in them; keys of dicts are searched, too.

    Returns:
        The copy, and the dotted keys of what was changed.

    Example:
        >>> without_local_paths({'a': {'list': '/home/me/train.txt'}, 'b': 'wider/hard'})
        ({'a': {'list': 'local/train.txt'}, 'b': 'wider/hard'}, ['a.list'])
    """
    changed: list[str] = []

    def clean(part: Any, key: str) -> Any:
        if isinstance(part, str):
            public = _public_name(part)
        elif _is_local_start(part):
            public = None
        elif isinstance(part, Mapping):
            return {
                clean(name, f'{key}.{LOCAL}') if isinstance(name, str) else name: clean(
                    item, f'{key}.{name}'
                )
                for name, item in part.items()
            }
        elif isinstance(part, (list, tuple)):
            return type(part)(clean(item, f'{key}.{place}') for place, item in enumerate(part))
        else:
            return part
        if public != part:
            changed.append(key.removeprefix('.'))
        return public

    return clean(value, ''), changed


def _public_name(text: str) -> str:
    """The text itself, unless it names a file of this machine."""
    found = _PATH.search(text)
    if not found:
        return text
    # Both kinds of slashes divide for Windows; what does not begin with the path is no path.
    path = PureWindowsPath(text)
    return f'{LOCAL}/{path.name}' if found.start() == 0 and path.suffix else LOCAL


def _is_local_start(part: Any) -> bool:
    """Whether this is an ``init_cfg`` that reads a file."""
    if not isinstance(part, Mapping) or part.get('type') != 'Pretrained':
        return False
    file = str(part.get('checkpoint', ''))
    return '://' not in file or file.startswith('file:')
