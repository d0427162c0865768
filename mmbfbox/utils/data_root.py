"""Pointing a config at another data folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine import Config

from mmbfbox.errors import UserError

LAYOUT = ('wider_face_split', 'WIDER_train/images', 'WIDER_val/images')


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


def set_data_root(config: Config, folder: str | Path) -> None:
    """Use the WIDER FACE folder ``folder`` wherever the config uses its own ``data_root``.

    Not every command opens every part of the folder: what is missing is told by the data set that
    opens it.

    Args:
        config: changed in place; its ``data_root`` tells which paths to replace.
        folder: a folder in the official layout.

    Raises:
        UserError: the config has no ``data_root``, or the folder has no part of the layout.
    """
    if not str(folder) or not any((Path(folder) / part).is_dir() for part in LAYOUT):
        raise UserError(
            f'the data root {str(folder)!r} has none of the folders {", ".join(LAYOUT)}; give the '
            'folder that WIDER FACE is unpacked in'
        )
    replace_data_root(config, folder)


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
