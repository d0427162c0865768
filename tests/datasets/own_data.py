"""A WIDER FACE folder in the layouts of one's own data; images are links to those that are there."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.datasets.small_wider import annotations
from tests.running_tools import run


def as_coco(wider: Path, root: Path, splits: tuple[str, ...] = ('train',)) -> Path:
    """``annotations/train.json``, by the tool that users have, and the folder of images ``train``."""
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
    """``train.txt`` and the folder of images ``train``."""
    root.mkdir(parents=True)
    for split in splits:
        shutil.copy(annotations(wider, split), root / f'{split}.txt')
        (root / split).symlink_to(wider / f'WIDER_{split}/images')
    return root
