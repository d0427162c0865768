"""Every key of a config that the documents name or that a config sets, with values that belong to it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.utils.config import load_config
from mmbfbox.utils.literals import literal

DOCS = Path(__file__).resolve().parents[2] / 'docs'
_SPAN = re.compile(r'`([^`\n]+)`')
_DOTTED = re.compile(r'[a-z]\w*(\.\w+)+(?==|$)')
_OF_CLASS = re.compile(r'([A-Z]\w+)(?:\((\w+)=|\.([a-z]\w*)$)')
_OWNER = re.compile(r'[A-Z]\w+|[a-z_]+(\.[a-z_]+)+|[a-z]+(_[a-z]+)+')
_FILE = re.compile(r'\.(json|jsonl|md|py|sh|html|pth|txt|mat|toml)$')
_PRIVATE = ('custom_imports', 'launcher', 'work_dir', 'experiment_name', 'cfg', 'default_scope')
"""What is not for users to set, or would leave the case's folder."""

Path_ = tuple[str, ...]


@dataclass
class Key:
    """A key of a config.

    Args:
        path: its parts; numbers are places in a list.
        value: what the config says, None where it says nothing.
        known: values that the documents write beside it.
        documented: whether a document names it.
    """

    path: Path_
    value: Any = None
    known: list[Any] = field(default_factory=list)
    documented: bool = False

    @property
    def dotted(self) -> str:
        """As on the command line."""
        return '.'.join(self.path)


def keys_of(name: str) -> list[Key]:
    """The keys of a shipped config, and those that documents name and it could have."""
    config = load_config(name)
    found = {path: Key(path, value) for path, value in _flat(config.to_dict())}
    for dotted, values in _documented(config):
        path = tuple(dotted.split('.'))
        # A name in a document may mean a Python module, or a key of another kind of config.
        if path not in found and path[0] in config:
            found[path] = Key(path)
        if path in found:
            found[path].documented = True
            found[path].known += values
    return [key for key in found.values() if key.path[0] not in _PRIVATE]


def _flat(value: Any, path: Path_ = ()) -> Iterator[tuple[Path_, Any]]:
    """Path and value of all that is below a value."""
    if path:
        yield path, value
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        if isinstance(inner, (dict, list, tuple)) and (not path or len(path) < 12):
            yield from _flat(inner, (*path, str(key)))
        else:
            yield (*path, str(key)), inner


def _documented(config: Config) -> Iterator[tuple[str, list[Any]]]:
    """Dotted keys that the documents name, each with the values in the same line."""
    places = _places(config)
    for document in sorted(DOCS.glob('*.md')):
        owners: list[str] = []
        for block in document.read_text(encoding='utf-8').split('\n\n'):
            head, *lines = block.splitlines() or ['']
            # Of a table, its head: what a row says has another owner.
            text = head if block.startswith('|') else block
            named = [span.partition('=')[0] for span in _SPAN.findall(text)]
            owners = [name for name in named if _OWNER.fullmatch(name)] or owners
            for line in [head, *lines]:
                values = _values(_SPAN.findall(line))
                for key in _of_line(line, owners, places):
                    yield key, values


def _of_line(line: str, owners: list[str], places: dict[str, list[str]]) -> Iterator[str]:
    """The keys that a line of a document names; a row of a table, as keys of its owners."""
    inside: list[str] = []
    for span in _SPAN.findall(line):
        if _DOTTED.match(span) and not _FILE.search(span):
            yield span.partition('=')[0]
        for name, one, other in _OF_CLASS.findall(span):
            inside = places.get(name, [])
            yield from (f'{place}.{one or other}' for place in inside)
    if line.startswith('| `'):
        where = inside or [place for owner in owners for place in places.get(owner, [owner])]
        for name in re.findall(r'`(\w+)`', line.split('|')[1]):
            yield from (f'{place}.{name}' for place in where if place[0].islower())


def _places(config: Config) -> dict[str, list[str]]:
    """Where the config has a part of each type, by the type's name."""
    places: dict[str, list[str]] = {}
    for path, value in _flat(config.to_dict()):
        if path[-1] == 'type' and isinstance(value, str):
            places.setdefault(value, []).append('.'.join(path[:-1]))
    return places


def _values(spans: list[str]) -> list[Any]:
    """Words in quotes, and what follows an equals sign."""
    found = []
    for span in spans:
        for text in (span, span.partition('=')[2]):
            with suppress(UserError, ValueError, SyntaxError):
                found.append(literal(ast.parse(text, mode='eval').body))
    return found
