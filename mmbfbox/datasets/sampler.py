"""The order of the training images, for which no state has to be kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Sized
from functools import partial
from typing import Any

import numpy as np
from mmdet.registry import DATA_SAMPLERS
from mmengine.dist import get_dist_info, sync_random_seed
from numpy.typing import NDArray
from torch.utils.data import Sampler

from mmbfbox.datasets.randomness import seeded


class SampleIndex(int):
    """Index of an image that also says what its augmentation is drawn from.

    Attributes:
        key: the run's seed and the sample's position in the whole run; () for an ordinary index.
    """

    key: tuple[int, ...]

    def __new__(cls, index: int, key: tuple[int, ...] = ()) -> SampleIndex:
        self = super().__new__(cls, index)
        self.key = key
        return self


def samples_of(dataset: Any, indices: Sequence[int]) -> list[Any]:
    """The samples of a batch; the randomness of each one depends on the key of its index alone.

    Seeded here, around the outermost data set, because wrappers (``ConcatDataset``, ``RepeatDataset``)
    hand plain indices on, and some (``MultiImageMixDataset``) draw random numbers themselves.
    """
    samples = []
    for index in indices:
        if isinstance(index, SampleIndex) and index.key:
            with seeded(*index.key):
                samples.append(dataset[index])
        else:
            samples.append(dataset[index])
    return samples


@DATA_SAMPLERS.register_module()
class ResumableSampler(Sampler[SampleIndex]):
    """Endless passes over the data set; what comes at position ``p`` depends on the seed and ``p`` alone.

    Pass ``e`` is a permutation that only the seed and ``e`` decide, so training starts at any
    position without going through those before. Rank ``r`` of ``w`` takes the positions
    ``r, r + w, ...``: together, the ranks take the same images, augmented in the same way, as one
    process with the joined batch. The data set may be a wrapper of others, see :func:`samples_of`. The
    streams used are those that NumPy promises never to change.

    Args:
        dataset: the data set.
        shuffle: whether to permute; otherwise the images come in the order of the data set.
        seed: seed of the order and of the augmentation, the same on all ranks; drawn if ``None``.

    Example:
        >>> from itertools import islice
        >>> sampler = ResumableSampler(range(5), seed=0)
        >>> order = list(islice(sampler, 8))
        >>> sampler.start_at(6, seed=0)
        >>> list(islice(sampler, 2)) == order[6:]
        True
    """

    def __init__(self, dataset: Sized, shuffle: bool = True, seed: int | None = None) -> None:
        if hasattr(dataset, '__dict__'):
            # What a loader's worker calls where it exists; it belongs to this object, not to its class.
            dataset.__getitems__ = partial(samples_of, dataset)  # type: ignore[attr-defined]
        self.rank, self.world_size = get_dist_info()
        self.size = len(dataset)
        self.shuffle = shuffle
        self.seed = sync_random_seed() if seed is None else seed
        self.drawn = 0

    def start_at(self, drawn: int, seed: int) -> None:
        """Let the next iteration begin where each rank has had ``drawn`` samples of the run ``seed``."""
        self.drawn = drawn
        self.seed = seed

    def __iter__(self) -> Iterator[SampleIndex]:
        """Positions from :attr:`drawn` on, without end."""
        position = self.drawn * self.world_size + self.rank
        current = -1
        while True:
            epoch, place = divmod(position, self.size)
            if epoch != current:
                order, current = self._order(epoch), epoch
            yield SampleIndex(int(order[place]), (self.seed, position))
            position += self.world_size

    def _order(self, epoch: int) -> NDArray[np.int64]:
        if not self.shuffle:
            return np.arange(self.size)
        keys = np.random.PCG64(np.random.SeedSequence((self.seed, epoch))).random_raw(self.size)
        return np.argsort(keys, kind='stable')

    def __len__(self) -> int:
        """Images of one pass."""
        return self.size
