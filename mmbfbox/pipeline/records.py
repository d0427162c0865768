"""What a step was made from, so that results of an older config are never taken for new ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.reproduce.plan import ANNOTATIONS, Plan, Step
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.utils.files import atomic_write
from mmbfbox.utils.fingerprint import fingerprint

RECORD = 'reproduce.json'
NAMED = 4
"""Settings that a message names, of all that differ."""


def file_hash(path: Path) -> str:
    """Twelve hexadecimal digits of a file's content; '' if it is not there."""
    if not path.is_file():
        return ''
    with path.open('rb') as file:
        digest = hashlib.file_digest(file, 'sha256') if hasattr(hashlib, 'file_digest') else None
        if digest is None:  # Python 3.10
            digest = hashlib.sha256(file.read())
    return digest.hexdigest()[:12]


def settings_of(step: Step, plan: Plan) -> dict[str, Any]:
    """The plain values that decide a step's results, wherever its folders lie."""
    files = {path.stem: config.to_dict() for path, config in step.files.items()}
    text = json.dumps(dict(configs=files, arguments=step.arguments), default=str)
    folders = {str(plan.data_root): '<data>', str(plan.folder): '<work dir>'}
    for folder, name in folders.items():
        text = text.replace(folder, name)
    settings: dict[str, Any] = json.loads(text)
    if not plan.scale.images:
        splits = (plan.data_root / ANNOTATIONS.format(split) for split in ('train', 'val'))
        settings['annotations'] = [file_hash(path) for path in splits]
    return settings


def inputs_of(step: Step) -> dict[str, str]:
    """Hashes of the files of earlier steps that this one reads, as far as they are there."""
    files = [step.checkpoint] if step.checkpoint else []
    files += [step.config] if step.config and step.config not in step.files else []
    return {f'{path.parent.name}/{path.name}': file_hash(path) for path in files if path.exists()}


def write_record(step: Step, plan: Plan, command: str) -> None:
    """Note, before a step starts, what it is made from."""
    settings = settings_of(step, plan)
    record = dict(
        hash=fingerprint(settings), inputs=inputs_of(step), command=command, settings=settings
    )
    with atomic_write(step.folder / RECORD) as path:
        path.write_text(json.dumps(record, indent=1) + '\n')


def check_record(step: Step, plan: Plan) -> None:
    """Make sure that what is in a step's folder was made from this config and these inputs.

    Raises:
        UserError: it was not; the message names what differs and what to do.
    """
    path = step.folder / RECORD
    if not path.exists():
        if step.done.exists():
            raise UserError(
                f'{step.folder} holds results without {RECORD}, which says what they were made from; '
                'move the folder away or choose another --work-dir'
            )
        return
    try:
        record = dict(json.loads(path.read_text()))
        old_hash, old = record['hash'], record['settings']
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f'{path} is damaged; move {step.folder} away to make it anew') from error
    settings = settings_of(step, plan)
    if old_hash != fingerprint(settings):
        before, now = dict(_flat(old)), dict(_flat(settings))
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        told = [f'{key} (then {before.get(key)!r}, now {now.get(key)!r})' for key in keys[:NAMED]]
        more = f' and {len(keys) - NAMED} more' if len(keys) > NAMED else ''
        _refuse(step, f'an older config: {", ".join(told)}{more}', old_hash, fingerprint(settings))
    for name, found in inputs_of(step).items():
        if record['inputs'].get(name, found) != found:
            _refuse(
                step, f'another {name} than the one that is there', record['inputs'][name], found
            )


def _refuse(step: Step, what: str, old: str, new: str) -> None:
    raise UserError(
        f'{step.folder} holds results of {what} (recorded {old}, now {new}); move the folder away to '
        'make them anew, or choose another --work-dir'
    )


def state_of(step: Step) -> str:
    """``'done'``, ``'missing'``, or ``'half-finished'`` with how far it came."""
    if step.done.exists():
        return 'done'
    if not (step.folder / RECORD).exists():
        return 'missing'
    last = step.folder / 'last_checkpoint'
    if step.tool == 'train' and last.exists():
        name = Path(last.read_text().strip()).stem
        return f'half-finished, {name.replace("_", " ")} of {step.done.stem.split("_")[-1]}'
    if step.tool == 'search':
        return f'half-finished, {len(read_candidates(step.folder))} candidates'
    return 'half-finished'


def _flat(settings: Any, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Dotted key and value of every leaf."""
    if isinstance(settings, (Mapping, list)) and settings:
        items = settings.items() if isinstance(settings, Mapping) else enumerate(settings)
        for key, value in items:
            yield from _flat(value, f'{prefix}.{key}' if prefix else str(key))
    else:
        yield prefix, settings
