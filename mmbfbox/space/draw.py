"""Random draws that are a pure function of their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar('T')


def seed_of(use: str, seed: int) -> int:
    """A seed for one use of a space, so that the same number given to two uses draws other archs.

    Training draws by the seed itself.

    Args:
        use: ``'search'``, ``'checkup'`` or ``'orders'``.
        seed: what the user chose.
    """
    return seed + (int.from_bytes(use[:4].encode(), 'big') << 32)


class Draw:
    """A private stream of random numbers, the same on every platform and NumPy version.

    It uses the raw output of PCG64, whose stream NumPy guarantees, and not ``Generator``, whose
    streams may change between versions: a search resumed after an upgrade goes on with the same archs.

    Args:
        seeds: non-negative integers; every tuple has a stream of its own.

    Example:
        >>> Draw(7, 0).shuffled('abcd')
        ['b', 'a', 'c', 'd']
        >>> Draw(7, 0).shuffled('abcd') == Draw(7, 0).shuffled('abcd')
        True
    """

    def __init__(self, *seeds: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(seeds))

    def below(self, n: int) -> int:
        """A uniform integer in ``0 .. n - 1``."""
        # The bias of the remainder is below n / 2^64.
        return int(self._bits.random_raw()) % n

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return int(self._bits.random_raw()) / 2**64 < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``, each equally likely."""
        return items[self.below(len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """``items`` in a uniformly random order (Fisher-Yates)."""
        result = list(items)
        for last in range(len(result) - 1, 0, -1):
            other = self.below(last + 1)
            result[last], result[other] = result[other], result[last]
        return result
