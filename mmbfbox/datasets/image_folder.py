"""Where the images of an annotation file are: found by their names, and none may be missing."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from mmbfbox.errors import UserError
from mmbfbox.utils.data_layout import split_of

_TRIED = 20
"""Names by which a folder is recognised."""


def image_folder(folder: Path, ann_file: Path, names: Sequence[str]) -> Path:
    """The folder that names are relative to: ``folder``, or one below it that holds more of them.

    Looked at are ``folder``, ``images``, folders named after the split (``train2017``, ``images/val``,
    ``WIDER_train/images``) and the one of the annotation file.

    Args:
        folder: what the config says.
        ann_file: the annotation file; its name says the split.
        names: paths of images.

    Returns:
        ``folder`` itself where no place has an image.
    """
    some = names[:: max(len(names) // _TRIED, 1)]
    places = [folder, folder / 'images']
    split = split_of(ann_file.as_posix())
    for parent in (folder, folder / 'images'):
        same = [path for path in _folders(parent) if split and split_of(path.name) == split]
        places += [place for path in same for place in (path, path / 'images')]
    places.append(ann_file.parent)
    return max(places, key=lambda place: sum((place / name).is_file() for name in some))


def check_images(folder: Path, names: Sequence[str], ann_file: str) -> None:
    """Make sure that all images are there: one listing for each of their folders, no access per image.

    Raises:
        UserError: some are missing.
    """
    folders: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        path = PurePosixPath(name)
        folders[str(path.parent)].add(path.name)
    missing = []
    for parent, files in sorted(folders.items()):
        there = os.listdir(folder / parent) if (folder / parent).is_dir() else []
        missing += [str(PurePosixPath(parent) / file) for file in sorted(files.difference(there))]
    if missing:
        raise UserError(
            f'{folder} lacks {len(missing)} of the {len(names)} images that {ann_file} lists '
            f'(the first is {missing[0]!r}); unpack the images there, or correct data_root'
        )


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []
