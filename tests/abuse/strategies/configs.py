"""Configs in which any key has any value: right ones, near ones, of another type, and misspelt keys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.abuse.case import REFUSE, Case, Change
from tests.abuse.keys import Key, keys_of
from tests.abuse.material import BASELINE, SEARCH, SUPERNET, search_command, short_options
from tests.abuse.strategies.text import Draw

ODD: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 2, -1, 0.5, -0.5, 1e-9, 1e9, float('inf'), float('nan')),
    *('', 'abc', '3', 'None', 'ä', '/', [], [1], [1, 2], [0, 0], [-1, -1], ['a'], (1, 2, 3)),
    *({}, {'a': 1}, {'type': 'NoSuchThing'}, [{}], [{'type': 'NoSuchThing'}], [[1, 2], [3, 4]]),
)
HUGE = 10**10
_LONG = (
    'max_iters',
    'candidates',
    'max_epochs',
    'repeats',
    'warmup',
    'num_workers',
    'patience',
    'chunk',
)
"""Of these a huge value is right, and takes long."""
DATA = ('--data-root', 'data')
# Misspelt keys of these are the user's own names, or another program's business.
_FREE = (
    'test_pipeline',
    'train_pipeline',
    'letterbox_pipeline',
    'pack_test',
    'split',
    'train_files',
)
_FREE += ('val_files', 'env_cfg')


@cache
def commands(trained: bool) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Name to the config that it takes and a command without options."""
    found = {
        'browse': (BASELINE, ('browse_dataset', BASELINE, *DATA, '--out', 'out', '--number', '2'))
    }
    if trained:
        work = ('--work-dir', 'work', *DATA)
        search = search_command('supernet/iter_2.pth', 2)
        search[search.index('--work-dir') + 1] = 'work'
        bare = tuple(search[: search.index('--cfg-options')])
        export = ('export_subnet', 'search/best/01.json', 'supernet/iter_2.pth', '--out', 'out')
        found |= {
            'train': (BASELINE, ('train', BASELINE, *work)),
            'train supernet': (SUPERNET, ('train', SUPERNET, *work)),
            'test': (
                BASELINE,
                ('test', BASELINE, 'baseline/iter_2.pth', *work, '--out-dir', 'out'),
            ),
            'search': (SEARCH, bare),
            'export': ('demo/bfbox_subnet_demo', export),
        }
    return found


def config_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of this kind."""
    return _overridden((material / 'baseline').is_dir())


def search_setting_cases(material: Path) -> st.SearchStrategy[Case]:
    """Cases of the settings of a search, which are few among all keys; there must be a chain."""
    return _searched()


@st.composite
def _searched(draw: Draw) -> Case:
    config, command = commands(True)['search']
    keys = [key for key in _keys(config)[0] if key.path[0] == 'search' and len(key.path) > 1]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=1, max_size=2))
    misspelt = draw(st.integers(0, 5)) == 0
    options: dict[tuple[str, ...], Any] = {}
    for key in chosen[:1] if misspelt else chosen:
        options[draw(_misspelt(key.path)) if misspelt else key.path] = draw(_value(key))
    what = f'{"misspelt" if misspelt else "value"} of {".".join(chosen[0].path[1:])}'
    must = REFUSE if misspelt else ''
    return _case(command, config, options, draw(st.booleans()), must, what)


@cache
def _keys(config: str) -> tuple[list[Key], list[Key]]:
    """The keys of a config that a run may use, and those of them that a document names."""
    keys = [key for key in keys_of(config) if key.path[0] not in _FREE]
    return keys, [key for key in keys if key.documented]


@st.composite
def _overridden(draw: Draw, trained: bool) -> Case:
    name = draw(st.sampled_from(sorted(commands(trained))))
    config, command = commands(trained)[name]
    every, documented = _keys(config)
    options: dict[tuple[str, ...], Any] = {}
    misspelt = draw(st.integers(0, 5)) == 0
    for _ in range(1 if misspelt else draw(st.integers(1, 2))):
        key = draw(st.sampled_from(draw(st.sampled_from([every, documented]))))
        path = draw(_misspelt(key.path)) if misspelt else key.path
        options[path] = draw(_value(key))
    what = f'{name}: {"misspelt" if misspelt else "value"}'
    must = REFUSE if misspelt and _is_read(name, next(iter(options))) else ''
    return _case(command, config, options, draw(st.booleans()), must, what)


def _case(
    command: Sequence[str],
    config: str,
    options: dict[tuple[str, ...], Any],
    in_a_file: bool,
    must: str,
    what: str,
) -> Case:
    """The options on the command line or, where there is no place in a list among them, in a config."""
    tool, *arguments = command
    given = ['.'.join(path) for path in options]
    short = short_options(config, given) if config != 'demo/bfbox_subnet_demo' else []
    changes: tuple[Change, ...] = ()
    if (
        in_a_file
        and config in arguments
        and not any(part.isdigit() for path in options for part in path)
    ):
        text = f"_base_ = '{{configs}}/{config}.py'\n" + _source(options)
        changes = (dict(do='write', path='own.py', text=text.encode().decode('latin-1')),)
        arguments[arguments.index(config)] = 'own.py'
    else:
        short += [f'{".".join(path)}={_word(value)}' for path, value in options.items()]
    more = ('--cfg-options', *short) if short else ()
    return Case(tool, (*arguments, *more), changes, must, what)


def _is_read(command: str, path: tuple[str, ...]) -> bool:
    """Whether the command reads the part of the config that a key stands in."""
    browsed = 'train_dataloader.dataset'
    if command == 'browse':
        return '.'.join(path).startswith(browsed)
    if command == 'test':
        return path[0] in ('test_dataloader', 'test_evaluator', 'model')
    if command == 'search':
        return path[0] in ('search', 'model', 'held_out_dataloader', 'recalibration_dataloader')
    return command != 'export' and not path[0].startswith(
        ('test', 'tta', 'held', 'recal', 'search')
    )


@st.composite
def _misspelt(draw: Draw, path: tuple[str, ...]) -> tuple[str, ...]:
    """The last name of a path with two letters swapped, as typed in a hurry."""
    places = [at for at, part in enumerate(path) if not part.isdigit() and len(set(part)) > 2]
    at = places[-1] if places else 0
    name = path[at]
    swaps = [i for i in range(len(name) - 1) if name[i] != name[i + 1]]
    i = draw(st.sampled_from(swaps or [0]))
    wrong = name[:i] + name[i + 1 : i + 2] + name[i] + name[i + 2 :]
    return (*path[:at], wrong if wrong != name else f'{name}x', *path[at + 1 :])


def _value(key: Key) -> st.SearchStrategy[Any]:
    """A value for a key: one that documents name, one near its own, or any."""
    odd = [*ODD] if key.path[-1] in _LONG else [*ODD, HUGE, -HUGE]
    if key.path[-1] in _LONG:
        odd = [value for value in odd if not (isinstance(value, float) and value > 1e6)]
    kinds = [st.sampled_from(odd)]
    if key.known:
        kinds.append(st.sampled_from(key.known))
    near = _near(key.value)
    if near and key.path[-1] not in _LONG:
        kinds.append(st.sampled_from(near))
    return st.one_of(kinds)


def _near(value: Any) -> list[Any]:
    """Values that could stand in the place of another one."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, (int, float)):
        return [value + 1, value - 1, value * 2, value // 2, -value, float(value), str(value)]
    if isinstance(value, str):
        return [value + 'x', value.upper(), value[:-1]]
    if isinstance(value, (list, tuple)):
        return [
            value[:-1],
            value[::-1],
            [*value, *value[-1:]],
            [*value, 0],
            [str(v) for v in value],
        ]
    if isinstance(value, dict):
        return [{**value, 'type': None}, {k: v for k, v in value.items() if k != 'type'}, [value]]
    return [{'type': 'Pretrained'}, 1, 'x']


def _source(options: dict[tuple[str, ...], Any]) -> str:
    """Assignments for a config file."""
    lines = []
    for path, value in options.items():
        text = _literal(value)
        for part in reversed(path[1:]):
            text = f'dict({part}={text})' if part.isidentifier() else f'{{{part!r}: {text}}}'
        lines.append(f'{path[0]} = {text}\n')
    return ''.join(lines)


def _literal(value: Any) -> str:
    """Python for a value, infinity included."""
    if isinstance(value, float) and not -1e308 < value < 1e308:
        return f'float({str(value)!r})'
    if isinstance(value, dict):
        return '{' + ', '.join(f'{k!r}: {_literal(v)}' for k, v in value.items()) + '}'
    if isinstance(value, (list, tuple)):
        inner = ', '.join(map(_literal, value))
        return f'[{inner}]' if isinstance(value, list) else f'({inner},)' if value else '()'
    return repr(value)


def _word(value: Any) -> str:
    """What is typed for a value on the command line."""
    return value if isinstance(value, str) else repr(value).replace(' ', '')
