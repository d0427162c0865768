"""Options of a command line that change a config: read, merged, and refused where they miss."""

from __future__ import annotations

import argparse
import ast
import copy
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from mmbfbox.errors import UserError, near_names
from mmbfbox.utils.known_keys import keys_of
from mmbfbox.utils.literals import literal

_CHECKED_LATER = ('search', 'default_hooks', 'randomness')
"""Where whoever reads them refuses unknown keys, or where the user gives the names."""
_OPENING = ('[', '(', '{', "'", '"')


class OptionsAction(argparse.Action):
    """``KEY=VALUE``, several of them, as a dict from dotted key to value; see :func:`read_value`."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        """Add to what the options before have set.

        Raises:
            UserError: a word is not ``KEY=VALUE``, or its value cannot be read.
        """
        options = dict(getattr(namespace, self.dest, None) or {})
        for word in [values] if isinstance(values, str) else values or []:
            key, equals, text = word.partition('=')
            if not equals or not key:
                missing = 'key' if equals else 'value'
                raise UserError(f'the option {word} has no {missing}; write KEY=VALUE')
            options[key] = read_value(text, key)
        setattr(namespace, self.dest, options)


def read_value(text: str, key: str) -> Any:
    """The value that a text of the command line stands for.

    What is a literal of Python in brackets or quotes, ``dict(key=value)`` included, is that literal;
    all else follows mmengine's convention, in which quotes may be left out: ``[conv3,conv5]``, ``1,2``.

    Args:
        text: the text.
        key: what it is the value of, for the error message.

    Raises:
        UserError: the text cannot be read.

    Example:
        >>> read_value("[dict(type='LinearLR', end=3), dict(end=9)]", 'param_scheduler')
        [{'type': 'LinearLR', 'end': 3}, {'end': 9}]
        >>> read_value('[conv3, conv5]', 'choices'), read_value('/my images', 'data_root')
        (['conv3', 'conv5'], '/my images')
    """
    text = text.strip()
    if text[:1] in _OPENING or text.startswith('dict('):
        try:
            value = literal(ast.parse(text, mode='eval').body)
            # For mmengine (1) is a tuple, and quotes around a list or a number mean nothing.
            if isinstance(value, (list, tuple, dict)) or (isinstance(value, str) and ',' in value):
                return value
        except Exception as error:
            if '{' in text or 'dict(' in text:
                reason = f'{one_line(error)}; words in it need quotes'
                raise _unreadable(key, text, reason) from error
    try:
        return _listed(text.strip('\'"'))
    except (ValueError, RecursionError) as error:
        raise _unreadable(key, text, one_line(error)) from error


def _listed(text: str) -> Any:
    """A word, or words between commas and brackets."""
    parts = _between_commas(text)
    for opening, closing, kind in (('(', ')', tuple), ('[', ']', list)):
        if len(parts) == 1 and text.startswith(opening) and text.endswith(closing):
            inside = text[1:-1].strip()
            return kind(map(_listed, _between_commas(inside))) if inside else kind()
    return [*map(_listed, parts)] if len(parts) > 1 else _word(text)


def _between_commas(text: str) -> list[str]:
    """The parts between the commas that stand in no bracket."""
    parts, depth = [''], 0
    for sign in text:
        depth += (sign in '([{') - (sign in ')]}')
        if depth < 0:
            break
        if sign == ',' and not depth:
            parts.append('')
        else:
            parts[-1] += sign
    if depth:
        raise ValueError('its brackets do not match')
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return [part.strip() for part in parts]


def _word(text: str) -> Any:
    text = text.strip('\'"')
    constants = {'true': True, 'false': False}
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return None if text == 'None' else constants.get(text.lower(), text)


def _unreadable(key: str, text: str, reason: str) -> UserError:
    shown = textwrap.shorten(text, 60, placeholder=' ...')
    return UserError(
        f'the value of {key}, {shown}, cannot be read ({reason}); write it like 3, word, "[1, 2]" or '
        '"dict(type=\'SGD\', lr=0.01)"'
    )


def merge_options(config: Config, options: Mapping[str, Any], source: str) -> None:
    """Merge options, dotted key to value, into a config.

    Args:
        config: changed in place.
        options: the options.
        source: what the config is called in the error message.

    Raises:
        UserError: an option does not fit into what is there, or its key looks like a mistyped one.
    """
    before = config.to_dict()
    try:
        config.merge_from_dict(copy.deepcopy(dict(options)))
    except Exception as error:
        told = ', '.join(f'{key}={value}' for key, value in options.items())
        for key in options:
            _check_path(key, before, source)
        raise UserError(
            f'the options {told} do not fit the config {source} ({one_line(error)}); correct them'
        ) from error
    for key, value in options.items():
        _check_new_key(key, value, before, config.to_dict(), source)


def _check_path(key: str, settings: Any, source: str) -> None:
    """Refuse a key that leads into something without keys."""
    names = key.split('.')
    for index, name in enumerate(names):
        place = '.'.join(names[:index])
        if isinstance(settings, Mapping):
            if name not in settings:
                return
            settings = settings[name]
        elif isinstance(settings, list) and name.isdigit() and int(name) < len(settings):
            settings = settings[int(name)]
        else:
            what = f'{settings!r}, which has no keys; give {place} as a whole'
            if isinstance(settings, list):
                what = f'a list of {len(settings)} entries; name one by its number from 0 on'
            raise UserError(f'the option {key} does not fit the config {source}: {place} is {what}')


def _check_new_key(key: str, value: Any, before: Any, after: Any, source: str) -> None:
    """Refuse a mistyped key, which would be added and change nothing, and a part lost for a number."""
    names = key.split('.')
    for index, name in enumerate(names):
        if isinstance(after, list) and isinstance(before, list):
            before, after = (part[int(name)] for part in (before, after))
            continue
        # Where another option has put a value in the place of settings, that one is looked at.
        if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
            return
        if '_delete_' in (name, names[-1]):
            return
        if name not in before:
            known = set(before) & set(after)
            other = keys_of(after, names[:index]) - known
            near = [] if name in other else near_names(name, known | other)
            if near:
                meant = ' or '.join('.'.join([*names[:index], word]) for word in near)
                raise UserError(
                    f'the option {key} names a key that is not in the config {source}; did you mean '
                    f'{meant}?'
                )
            if index and 'type' not in after and not other and names[0] not in _CHECKED_LATER:
                warnings.warn(
                    f'the option {key} adds {name} to settings without a type, so nothing can tell '
                    f'whether anything reads it; check the name if it has no effect',
                    stacklevel=2,
                )
            return
        before, after = before[name], after[name]
    if isinstance(value, (str, int, float)) and _has_parts(before):
        raise UserError(
            f'the option {key}={value} puts a value where the config {source} has settings; give '
            f'them as "dict(...)", or one of them as {key}.NAME'
        )


def _has_parts(value: Any) -> bool:
    """Whether a setting is a part that is built from a ``type``, or a list of such parts."""
    parts = value if isinstance(value, list) else [value]
    return any(isinstance(part, Mapping) and 'type' in part for part in parts)


def one_line(error: Exception) -> str:
    """What an error says, shortened."""
    return textwrap.shorten(str(error) or type(error).__name__, 200, placeholder=' ...')
