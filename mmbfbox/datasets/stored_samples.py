"""Augmented samples that several trainings share: rendered by the first, read by the others."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmdet.registry import DATASETS
from mmdet.structures import DetDataSample
from mmdet.structures.bbox import HorizontalBoxes
from mmengine.structures import InstanceData

from mmbfbox.errors import UserError
from mmbfbox.utils.files import DiskFullError, atomic_write
from mmbfbox.utils.fingerprint import fingerprint
from mmbfbox.utils.settings import is_number

_TYPES = [DetDataSample, HorizontalBoxes, InstanceData]
"""What a sample consists of beside tensors and plain values."""
_A_FOLDER = 1000
"""Positions whose samples lie in one folder."""


@DATASETS.register_module()
class StoredSamples:
    """A data set whose samples are stored when they are first rendered.

    Networks that are compared see the same crops, and on a CPU rendering takes two fifths of the time of a
    light network's training. What comes at a position of a run depends on the seed alone (see
    :class:`~mmbfbox.datasets.ResumableSampler`), so trainings one after the other, or side by side, take
    it from the same folder; the samples are equal to the last bit. Other pipelines, annotations and images
    have folders of their own. Samples without a place in a run are rendered as ever.

    Args:
        dataset: config of the data set, with a pipeline that ends in ``PackDetInputs``.
        folder: where samples are stored. It may be removed at any time.
        gigabytes: what the samples of one seed may take; positions beyond are rendered each time.
            Defaults to 4, about 36,000 crops of 192 pixels.

    Raises:
        UserError: a key is of another kind.
    """

    def __init__(self, dataset: Mapping[str, Any], folder: str, gigabytes: float = 4.0) -> None:
        if not isinstance(dataset, Mapping) or not isinstance(folder, (str, os.PathLike)):
            raise UserError(
                f'StoredSamples has dataset={dataset!r} and folder={folder!r}; give the config of a data set '
                'and the path of a folder'
            )
        if not is_number(gigabytes) or gigabytes < 0:
            raise UserError(
                f'StoredSamples has gigabytes={gigabytes!r}; give a number of 0 or more'
            )
        self.dataset = DATASETS.build(dataset)
        self.folder = Path(folder) / _mark(dataset, self.dataset)
        self.limit: float = gigabytes * 1e9

    def __len__(self) -> int:
        """Images of the data set."""
        return len(self.dataset)

    def __getitem__(self, index: int) -> Any:
        """A sample; rendered by the data set, or as it was rendered before."""
        key: tuple[int, ...] = getattr(index, 'key', ())
        if len(key) != 2:
            return self.dataset[index]
        seed, position = key
        path = self.folder / f'seed{seed}' / str(position // _A_FOLDER) / f'{position}.pth'
        sample = _read(path)
        if sample is None:
            sample = self.dataset[index]
            if (position + 1) * sample['inputs'].nbytes <= self.limit:
                self._store(path, sample)
        return sample

    def _store(self, path: Path, sample: Any) -> None:
        """Write a sample; where the disk is full, this process writes no more."""
        try:
            with atomic_write(path) as temporary:
                torch.save(sample, temporary)
        except DiskFullError as error:
            self.limit = 0
            warnings.warn(f'no room for stored samples, they are rendered: {error}', stacklevel=2)

    def get_data_info(self, index: int) -> Any:
        """What the annotations say of an image."""
        return self.dataset.get_data_info(index)

    @property
    def metainfo(self) -> Any:
        """That of the data set."""
        return self.dataset.metainfo


def _read(path: Path) -> Any:
    """A stored sample; None where there is none, or where it cannot be read (a killed machine)."""
    if not path.exists():
        return None
    try:
        with torch.serialization.safe_globals(_TYPES):
            return torch.load(path, weights_only=True)
    except Exception:  # damaged bytes can end in any error; it is rendered again
        return None


def _mark(config: Mapping[str, Any], dataset: Any) -> str:
    """What tells data sets apart: settings, annotations, and size and date of each image."""
    images = []
    for index in range(len(dataset)):
        info = dataset.get_data_info(index)
        status = Path(info['img_path']).stat()
        images.append(f'{info} {status.st_size} {status.st_mtime_ns}')
    return fingerprint({'config': dict(config), 'images': fingerprint(images)})
