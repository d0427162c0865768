"""A fixed list of samples of a data set whose pipeline is random."""

from __future__ import annotations

from typing import Any

from mmdet.registry import DATASETS

from mmbfbox.datasets.randomness import seeded
from mmbfbox.errors import UserError


@DATASETS.register_module()
class FixedSamples:
    """The same crops whenever they are asked for: each is drawn under its own fixed seed.

    Batch norm is recalibrated on such a list, as SPOS and DetNAS do with the images of training,
    augmentation included.

    Args:
        dataset: a data set, or its config.
        number: how many samples, taken evenly over the data set, each image once; all where it has fewer.
            None takes all.

    Raises:
        UserError: the number is not 1 or more.
    """

    def __init__(self, dataset: Any, number: int | None = None) -> None:
        if number is not None and (not isinstance(number, int) or number < 1):
            raise UserError(
                f'FixedSamples has the number {number!r}; give 1 or more, or None for all'
            )
        self.dataset = DATASETS.build(dataset) if isinstance(dataset, dict) else dataset
        size = len(self.dataset)
        number = size if number is None else min(number, size)
        self.indices = [index * size // number for index in range(number)]

    def __len__(self) -> int:
        """How many samples there are."""
        return len(self.indices)

    def __getitem__(self, place: int) -> Any:
        """A sample, as the pipeline of the data set packs it."""
        index = self.indices[place]
        with seeded(index):
            return self.dataset[index]

    def get_data_info(self, place: int) -> Any:
        """What the annotations say of its image."""
        return self.dataset.get_data_info(self.indices[place])

    @property
    def metainfo(self) -> Any:
        """That of the data set."""
        return self.dataset.metainfo
