"""How a data folder is laid out: like WIDER FACE, with COCO's JSON, or with plain text files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.utils.text import is_left_by_system

WIDER, COCO, TEXT = 'WIDER FACE', 'COCO JSON', 'text files'
WIDER_PARTS = ('wider_face_split', 'WIDER_train/images', 'WIDER_val/images')
OFFICIAL_MAT = 'ground_truth/wider_face_val.mat'

_SPLIT = re.compile(r'(?<![a-z])(train|val|test)')
_KINDS = (
    (COCO, ('annotations/*.json', '*.json', '*/*.json')),
    (TEXT, ('*.txt', 'annotations/*.txt')),
)
"""What is looked for, in this order, and where."""


@dataclass(frozen=True)
class DataLayout:
    """A data folder that was recognised.

    Attributes:
        folder: the folder.
        kind: :data:`WIDER`, :data:`COCO` or :data:`TEXT`.
        annotations: its annotation files below ``folder``, by split: ``train``, ``val``, ``test``.
    """

    folder: Path
    kind: str
    annotations: Mapping[str, str]

    def dataset(self, split: str) -> dict[str, Any]:
        """Keys of a data set of this split; a file that is not there has the name it would have."""
        if self.kind == WIDER:
            return dict(
                type='WiderFaceDataset',
                ann_file=f'wider_face_split/wider_face_{split}_bbx_gt.txt',
                data_prefix=dict(img=f'WIDER_{split}/images'),
            )
        file = self.annotations.get(split)
        if file is None:
            other, known = next(iter(self.annotations.items()))
            file = known.replace(other, split)
        kind = 'CocoFaceDataset' if self.kind == COCO else 'WiderFaceDataset'
        return dict(type=kind, ann_file=file, data_prefix=dict(img=''))

    def ground_truth(self) -> str | None:
        """Folder of the official mats; None where faces are divided by their height."""
        there = self.kind == WIDER or (self.folder / OFFICIAL_MAT).is_file()
        return str(self.folder / 'ground_truth') if there else None

    def __str__(self) -> str:
        files = '' if self.kind == WIDER else f', {", ".join(self.annotations.values())}'
        return f'{self.folder}: {self.kind}{files}'


def split_of(file: str) -> str | None:
    """The split that the name of a file says, or else that of its folder: ``train``, ``val`` or ``test``.

    Example:
        >>> split_of('annotations/instances_train2017.json'), split_of('valid/faces.json')
        ('train', 'val')
    """
    path = Path(file.lower())
    for word in (path.stem, path.parent.name):
        found = _SPLIT.search(word)
        if found:
            return found[1]
    return None


def find_layout(folder: str | Path) -> DataLayout:
    """Recognise the layout of a data folder.

    Raises:
        UserError: it has none, or several annotation files for one split.
    """
    root = Path(folder)
    if str(folder) and any((root / part).is_dir() for part in WIDER_PARTS):
        return DataLayout(root, WIDER, {})
    nameless: list[str] = []
    for kind, patterns in _KINDS if str(folder) else ():
        for pattern in patterns:
            files = [path.relative_to(root).as_posix() for path in sorted(root.glob(pattern))]
            files = [file for file in files if not is_left_by_system(Path(file).name)]
            by_split = _by_split(root, files)
            if by_split:
                return DataLayout(root, kind, by_split)
            nameless += files
    hint = (
        f' ({nameless[0]} says in its name neither train nor val, as annotation files have to)'
        if nameless
        else ''
    )
    raise UserError(
        f'the data root {str(folder)!r} has none of the folders {", ".join(WIDER_PARTS)}, no '
        f'annotations/*train*.json and no *train*.txt{hint}; give the folder that WIDER FACE is unpacked '
        'in, or one laid out as docs/own_data.md says'
    )


def _by_split(root: Path, files: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for file in files:
        split = split_of(file)
        if split is None:
            continue
        if split in found:
            raise UserError(
                f'{root} has {found[split]} and {file}, both for {split}; leave one there, or name it in '
                'dataset.ann_file of a config'
            )
        found[split] = file
    # Where there is only one of them, it is what is tested on.
    for split, other in (('val', 'test'), ('test', 'val')):
        if split not in found and other in found:
            found[split] = found[other]
    return found
