"""Finding and reading configs, by path or by their name in the package."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmengine.config import Config

from mmbfbox.errors import UserError
from mmbfbox.utils.known_keys import OF_RUNNER, OURS, mistyped
from mmbfbox.utils.literals import NUMBERS, literal
from mmbfbox.utils.moved_configs import MOVED_CONFIGS
from mmbfbox.utils.options import merge_options, one_line
from mmbfbox.utils.renamed_keys import rename_keys, rename_options

PACKAGE = Path(__file__).resolve().parents[1]


def configs_dir() -> Path:
    """Folder of the project's configs: inside an installed package, beside it in a checkout."""
    packaged = PACKAGE / 'configs'
    return packaged if packaged.is_dir() else PACKAGE.parent / 'configs'


def find_config(name_or_path: str | Path) -> Path:
    """Path of a config: a file that exists, else the project's own one of that name.

    ``demo/bfbox_supernet_demo.py``, ``configs/demo/bfbox_supernet_demo.py`` and
    ``demo/bfbox_supernet_demo`` name the same config, from any folder. A name that a config had before
    works as well, with a warning.

    Raises:
        UserError: there is none; the message lists names that are near.
    """
    path = Path(name_or_path)
    if path.is_file():
        return path
    root = configs_dir()
    name = _name_of(path)
    if name in MOVED_CONFIGS:
        new = MOVED_CONFIGS[name]
        warnings.warn(
            f'the config {name_or_path} is {new} now; use that name', FutureWarning, stacklevel=2
        )
        return root / f'{new}.py'
    if name and (root / f'{name}.py').is_file():
        return root / f'{name}.py'
    known = sorted(file.relative_to(root).as_posix() for file in root.rglob('*.py'))
    same_file = [other for other in known if Path(other).name == Path(f'{name}.py').name]
    near = same_file[:3] or difflib.get_close_matches(f'{name}.py', known, n=3, cutoff=0.5)
    hint = f'did you mean {" or ".join(near)}?' if near else f'the configs are in {root}'
    raise UserError(
        f'there is no config {name_or_path}, neither as a file nor in the package; {hint}'
    )


def _name_of(path: Path) -> str:
    """What a path would be called below the folder of configs, without suffix; '' outside of it."""
    root = configs_dir()
    if path.resolve().is_relative_to(root):
        path = path.resolve().relative_to(root)
    return (
        '' if path.is_absolute() else path.as_posix().removeprefix('configs/').removesuffix('.py')
    )


def load_config(name_or_path: str | Path, cfg_options: Mapping[str, Any] | None = None) -> Config:
    """Read a config and merge ``cfg_options`` (dotted key to value) into it.

    Keys that have another name now work by their old one as well, with a warning.

    Raises:
        UserError: there is no such config, it or one of its bases cannot be read or has a mistyped
            top-level key, or an option
            names a top-level key that is neither in the config nor known to mmengine's runner, or
            does not fit into what is there.

    Example:
        >>> config = load_config('demo/bfbox_supernet_demo', {'train_cfg.max_iters': 5})
        >>> config.train_cfg.max_iters
        5
    """
    path = find_config(name_or_path)
    try:
        config = Config.fromfile(path)
    except NameError as error:
        # What mmengine saves of a config has inf and nan for numbers that Python does not spell so.
        if error.name not in NUMBERS:
            raise UserError(_why_unreadable(path, error)) from error
        content = config_from_text(path.read_text(encoding='utf-8'), str(path))
        config = Config(content.to_dict(), filename=str(path))
    except Exception as error:  # a config is a program: anything can go wrong in it
        raise UserError(_why_unreadable(path, error)) from error
    _check_names(config, path)
    rename_keys(config)
    renamed = rename_options(cfg_options or {})
    for key in renamed:
        _check_top_level_key(key, config, path)
    merge_options(config, renamed, str(path))
    _check_parts(config, path)
    return config


def _why_unreadable(path: Path, error: Exception) -> str:
    """One sentence on what went wrong in a config or in one of its bases."""
    if isinstance(error, SyntaxError):
        where = f'line {error.lineno}: {error.msg}'
        return f'the config {path} or one of its bases is not valid Python, {where}'
    base = _name_of(Path(getattr(error, 'filename', None) or path))
    if base in MOVED_CONFIGS:
        return (
            f'the config {path} or one of its bases inherits from {base}.py, which is '
            f'{MOVED_CONFIGS[base]}.py in {configs_dir()} now; correct its _base_'
        )
    kind = '' if isinstance(error, UserError) else f'{type(error).__name__}: '
    return (
        f'the config {path} cannot be read ({kind}{one_line(error)}); '
        'correct it or the base that it names'
    )


def config_text(config: Config) -> str:
    """A config as a Python file: ``Config.pretty_text``, with numbers that any reader understands.

    mmengine writes infinity as ``inf``, which is no name of Python.

    Example:
        >>> print(config_text(Config(dict(spare=float('inf'), name='inf'))))
        name = 'inf'
        spare = float('inf')
        <BLANKLINE>
    """
    text = str(config.pretty_text)
    lines = text.splitlines(keepends=True)
    names = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name) and n.id in NUMBERS]
    for name in sorted(names, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        if isinstance(name.ctx, ast.Load):
            line = lines[name.lineno - 1].encode()  # the columns of ast are bytes
            before, after = line[: name.col_offset], line[name.end_col_offset :]
            lines[name.lineno - 1] = (before + f"float('{name.id}')".encode() + after).decode()
    return ''.join(lines)


def config_from_text(text: str, source: str) -> Config:
    """A config from the text that mmengine stores in checkpoints, read without running it.

    ``Config.fromstring`` would run whatever the text says; here it may only hold literals and
    ``dict(...)``.

    Args:
        text: what ``Config.pretty_text`` gives.
        source: what the text is called in the error message.

    Raises:
        UserError: it holds anything else.
    """
    try:
        content = {}
        for statement in ast.parse(text).body:
            match statement:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    content[name] = literal(value)
                case _:
                    raise ValueError(ast.unparse(statement))
        return Config(content)
    except (ValueError, TypeError, SyntaxError, RecursionError, AttributeError) as error:
        raise UserError(
            f'the config stored in {source} is refused, because it is more than settings '
            f'({one_line(error)}); use a file from a source that you trust'
        ) from error


def _check_names(config: Config, path: Path) -> None:
    """Any name in a config may be the user's own, but not one that is a slip away from a key."""
    known = {*OF_RUNNER, *OURS}
    for name in sorted(set(config) - known):
        meant = mistyped(name, sorted(known))
        if meant:
            raise UserError(
                f'the config {path} sets {name}, which nothing reads; did you mean '
                f'{" or ".join(meant)}?'
            )


def _check_parts(config: Config, path: Path) -> None:
    """No part has a slip of ``type``, which some parts would swallow; every default hook is one or None."""
    read = {key: value for key, value in config.to_dict().items() if key in {*OF_RUNNER, *OURS}}
    for place, part in _nested(read):
        slips = [key for key in part if isinstance(key, str) and mistyped(key, ['type'])]
        if slips:
            raise UserError(
                f'the config {path} sets {".".join((*place, slips[0]))}; did you mean type?'
            )
    for name, hook in (config.get('default_hooks') or {}).items():
        if hook is not None and not isinstance(hook, Mapping):
            raise UserError(
                f'default_hooks.{name} is {hook!r}, expected a dict with a type, or None for none'
            )


def _nested(
    value: Any, place: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], dict[Any, Any]]]:
    """Every dictionary of a config with the keys that lead to it."""
    if isinstance(value, dict):
        yield place, value
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, (dict, list, tuple)):
            yield from _nested(item, (*place, str(key)))


def _check_top_level_key(key: str, config: Config, path: Path) -> None:
    """A mistyped top-level key would be added silently and change nothing."""
    known = {*config, *OF_RUNNER}
    top = key.split('.')[0]
    if top not in known:
        near = difflib.get_close_matches(top, sorted(known), n=3) or sorted(config)
        raise UserError(
            f'the option {key} names a key that the config {path} does not have; '
            f'did you mean one of {", ".join(near)}?'
        )
