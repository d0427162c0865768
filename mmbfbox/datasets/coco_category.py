"""Which category of a COCO file is the face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError

NAMES = ('face', 'faces', 'human face', 'human-face', 'human_face')
"""What the category is taken for a face by, in any case of letters."""


def face_category_ids(
    path: str | Path,
    content: Mapping[str, Any],
    annotations: Sequence[Mapping[str, Any]],
    wanted: str | None,
) -> set[Any]:
    """The id of the category that is the face, in a set; an empty one where nothing is annotated.

    Exporters may list a parent category of the same name, which no annotation has: it does not count.

    Args:
        path: of the file, for messages.
        content: of the file, with ``categories``.
        annotations: of the file.
        wanted: name of the category; None finds it.

    Raises:
        UserError: it is not clear which one it is, or annotations have a category that is not listed.
    """
    names = _names(path, content)
    used = dict.fromkeys(_used(path, annotations))
    if not names and wanted is None and len(used) <= 1:
        return set(used)
    unlisted = [key for key in used if key not in names]
    if unlisted:
        raise UserError(
            f'{path}: annotations have the category_id {unlisted[0]!r}, which "categories" does not list; '
            'list it with its name'
        )
    if wanted is not None:
        found = {key for key, name in names.items() if name == wanted}
        if not found:
            raise UserError(
                f'{path} has no category {wanted!r}, only {_told(names)}; name one of these'
            )
        return found
    named = [key for key, name in names.items() if name.lower() in NAMES]
    for candidates in (named, [key for key in named if key in used], [] if named else list(names)):
        if len(candidates) == 1:
            return set(candidates)
    if not named and len(used) == 1:
        return set(used)
    if not used:
        return set()
    raise UserError(
        f'{path} has the categories {_told(names)}; say which one is the face with --face-category NAME, '
        'or in a config with dataset.face_category'
    )


def _names(path: str | Path, content: Mapping[str, Any]) -> dict[Any, str]:
    categories = content.get('categories') or []
    try:
        names = {entry['id']: entry['name'] for entry in categories}
    except (TypeError, KeyError):
        names = {None: None}
    if not all(isinstance(name, str) for name in names.values()):
        raise UserError(f'{path}: "categories" is not a list of objects with an id and a name')
    return names


def _used(path: str | Path, annotations: Sequence[Mapping[str, Any]]) -> list[Any]:
    used = [annotation.get('category_id') for annotation in annotations]
    for place, key in enumerate(used):
        if isinstance(key, bool) or not isinstance(key, (int, str)):
            raise UserError(
                f'{path}, entry {place} of annotations: category_id is {key!r}, expected a whole number or '
                'a text'
            )
    return used


def _told(names: Mapping[Any, str]) -> str:
    told = ', '.join(map(repr, list(names.values())[:8]))
    return told + (f' and {len(names) - 8} more' if len(names) > 8 else '')
