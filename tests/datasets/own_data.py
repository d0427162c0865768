"""The small WIDER FACE of the tests in the layouts of one's own data."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.datasets.small_wider import annotations
from tests.running_tools import run


def as_coco(wider: Path, root: Path, splits: tuple[str, ...] = ('train',)) -> Path:
    """``annotations/train.json`` by the tool that users have, and ``train``, a link to the images."""
    (root / 'annotations').mkdir(parents=True)
    for split in splits:
        images = wider / f'WIDER_{split}/images'
        run(
            'wider_to_coco', annotations(wider, split), '--images', images,
            '--out', root / f'annotations/{split}.json',
        )  # fmt: skip
        (root / split).symlink_to(images)
    return root


def as_text(wider: Path, root: Path, splits: tuple[str, ...] = ('train',)) -> Path:
    """``train.txt``, and ``images``, in which all lie below their events."""
    (root / 'images').mkdir(parents=True)
    for split in splits:
        shutil.copy(annotations(wider, split), root / f'{split}.txt')
        for event in sorted((wider / f'WIDER_{split}/images').iterdir()):
            shutil.copytree(event, root / 'images' / event.name, dirs_exist_ok=True)
    return root
