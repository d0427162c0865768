"""What a step's results depend on: settings as plain values, files by the hash of their content."""

from __future__ import annotations

import functools
import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbfbox.pipeline.plan import Pipeline
from mmbfbox.pipeline.step import Step


def file_hash(path: Path) -> str:
    """Twelve hexadecimal digits of a file's content; '' if it is not there."""
    if not path.is_file():
        return ''
    state = path.stat()
    return _content_hash(path, state.st_size, state.st_mtime_ns)


@functools.lru_cache(maxsize=1024)
def _content_hash(path: Path, size: int, changed: int) -> str:
    """Of a file of this size and time of change: many steps read the same checkpoint."""
    digest = hashlib.sha256()
    with path.open('rb') as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:12]


def settings_of(step: Step, pipeline: Pipeline) -> dict[str, Any]:
    """The plain values that decide a step's results, wherever its folders lie."""
    configs = {name: config.to_dict() for name, config in step.configs.items()}
    settings: dict[str, Any] = plain(dict(configs=configs, arguments=step.arguments), pipeline)
    return settings


def plain(value: Any, pipeline: Pipeline) -> Any:
    """A setting as JSON has it, with ``<data>`` and ``<work dir>`` for the pipeline's folders."""
    if isinstance(value, Mapping):
        return {str(key): plain(item, pipeline) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, pipeline) for item in value]
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _without_folders(str(value), pipeline)


def _without_folders(text: str, pipeline: Pipeline) -> str:
    for folder, name in ((pipeline.data_root, '<data>'), (pipeline.folder, '<work dir>')):
        if text == str(folder) or text.startswith(f'{folder}/'):
            return name + text[len(str(folder)) :]
    return text


def inputs_of(step: Step, pipeline: Pipeline) -> dict[str, Path]:
    """The files that a step reads and that are there, by a name that does not depend on folders."""
    configs = (config.to_dict() for config in step.configs.values())
    named = (path for config in configs for path in _files_in(config))
    files = dict.fromkeys([*step.inputs, *named])
    names = {_without_folders(str(path), pipeline): path for path in files if path.is_file()}
    return {name.removeprefix('<work dir>/'): path for name, path in names.items()}


def _files_in(config: Any) -> Iterator[Path]:
    """What a config names: an arch to freeze, weights to start from, annotations of any data set."""
    if isinstance(config, Mapping):
        root, annotations = config.get('data_root'), config.get('ann_file')
        if isinstance(root, str) and isinstance(annotations, str):
            yield Path(root) / annotations
        for value in config.values():
            yield from _files_in(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _files_in(value)
    elif isinstance(config, str) and '/' in config:
        yield Path(config)


def differences(before: Any, now: Any) -> list[str]:
    """What differs between two nested settings, a sentence part for each dotted key."""
    old, new = dict(_flat(before)), dict(_flat(now))
    keys = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return [f'{key} (then {old.get(key)!r}, now {new.get(key)!r})' for key in keys]


def _flat(settings: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted key and value of every leaf."""
    if isinstance(settings, (Mapping, list)) and settings:
        items = settings.items() if isinstance(settings, Mapping) else enumerate(settings)
        for key, value in items:
            yield from _flat(value, f'{prefix}.{key}' if prefix else str(key))
    else:
        yield prefix, settings


def fingerprint(settings: Any) -> str:
    """Twelve hexadecimal digits of plain settings."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]
