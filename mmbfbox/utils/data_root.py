"""Pointing a config at another data folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError
from mmbfbox.utils.data_layout import WIDER, WIDER_PARTS, DataLayout, find_layout, split_of

LAYOUT = WIDER_PARTS
_DATASETS = ('WiderFaceDataset', 'CocoFaceDataset')


def check_layout(folder: str | Path) -> None:
    """Make sure that a folder is laid out like WIDER FACE.

    Raises:
        UserError: a part is missing.
    """
    for part in LAYOUT:
        if not (Path(folder) / part).is_dir():
            raise UserError(
                f'{folder} has no folder {part}; unpack WIDER FACE there, so that it holds '
                f'{", ".join(LAYOUT)} and ground_truth'
            )


def set_data_root(config: Config, folder: str | Path, face_category: str | None = None) -> None:
    """Use the data folder ``folder`` wherever the config uses its own ``data_root``.

    The layout of the folder is recognised. Where it is not that of the config, data sets read the
    folder's annotation files, and faces are divided into easy, medium and hard by their height, unless
    the folder has the official ``ground_truth``.

    Not every command opens every part of the folder: what is missing is told by the data set that
    opens it.

    Args:
        config: changed in place; its ``data_root`` tells which paths to replace.
        folder: a folder in the official layout, or one of the user's own, see docs/own_data.md.
        face_category: which category of COCO annotations is the face. None keeps what the config says.

    Raises:
        UserError: the config has no ``data_root``, or the folder has no layout that is known.
    """
    layout = find_layout(folder)
    replace_data_root(config, folder)
    _use_layout(config, layout, face_category)


def set_data_root_if_there(
    config: Config, folder: str | Path, face_category: str | None = None
) -> None:
    """As :func:`set_data_root`, for a folder that may come later: then only paths are replaced.

    Raises:
        UserError: the config has no ``data_root``.
    """
    if Path(folder).is_dir():
        try:
            set_data_root(config, folder, face_category)
            return
        except UserError:
            pass
    replace_data_root(config, folder)


def face_category_of(config: Config) -> str | None:
    """The category that the data sets of a config take for the face, where one is named."""
    named = (dataset.get('face_category') for dataset in _datasets(config))
    return next((str(name) for name in named if name is not None), None)


def replace_data_root(config: Config, folder: str | Path) -> None:
    """Use ``folder``, of whatever layout, wherever the config uses its own ``data_root``.

    Raises:
        UserError: the config has no ``data_root``, or an empty one, which no path begins with.
    """
    old = config.get('data_root')
    if not isinstance(old, str) or not old.strip('/'):
        raise UserError('the config has no data_root; give paths in the config itself instead')
    old, new = old.rstrip('/'), str(folder).rstrip('/')

    def replaced(value: Any) -> Any:
        if isinstance(value, str) and (value + '/').startswith(old + '/'):
            return (new + value[len(old) :]) or '/'
        if isinstance(value, dict):
            for key in value:
                value[key] = replaced(value[key])
        elif isinstance(value, (list, tuple)):
            return type(value)(replaced(item) for item in value)
        return value

    for key in list(config):
        config[key] = replaced(config[key])


def _use_layout(config: Config, layout: DataLayout, face_category: str | None) -> None:
    """Let data sets and metrics of a config read what the folder has."""
    category = face_category or face_category_of(config)
    changed = False
    for dataset in _datasets(config):
        official = dataset['ann_file'].startswith('wider_face_split/')
        if layout.kind == WIDER and official:
            continue
        changed = True
        dataset.pop('face_category', None)
        dataset.update(layout.dataset(split_of(dataset['ann_file']) or 'train'))
        if category and dataset['type'] == 'CocoFaceDataset':
            dataset['face_category'] = category
    for metric in _parts(config, ('WiderFaceMetric',)) if changed else ():
        if 'ground_truth' in metric:
            metric['ground_truth'] = layout.ground_truth()


def _datasets(value: Any) -> Iterator[dict[str, Any]]:
    for part in _parts(value, _DATASETS):
        if isinstance(part.get('ann_file'), str):
            yield part


def _parts(value: Any, kinds: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Every dict of these types in a config, however deep."""
    if isinstance(value, (dict, Config)):
        if value.get('type') in kinds:
            yield value
        for item in list(value.values()):
            yield from _parts(item, kinds)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _parts(item, kinds)
