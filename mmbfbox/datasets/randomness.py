"""The one place where augmentation gets its random numbers from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def new_generator() -> np.random.Generator:
    """A private generator for one transform of one sample, seeded by NumPy's global state.

    That state belongs to the sample while its pipeline runs, see :func:`seeded`.
    """
    return np.random.default_rng(np.random.randint(2**31, size=4))


@contextmanager
def seeded(*key: int) -> Iterator[None]:
    """Inside, the global generators of Python, NumPy and torch (CPU) start from ``key``.

    So every transform draws from them, mmdet's and mmcv's included, as a pure function of the key.
    Afterwards they go on where they were.

    Args:
        key: whole numbers, none negative; neighbouring keys give unrelated streams.

    Example:
        >>> with seeded(0, 3):
        ...     first = random.random(), np.random.rand(), float(torch.rand(()))
        >>> with seeded(0, 3):
        ...     first == (random.random(), np.random.rand(), float(torch.rand(())))
        True
    """
    before = random.getstate(), np.random.get_state(), torch.get_rng_state()
    torch.default_generator.manual_seed(_seed_python_and_numpy(key))
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        torch.set_rng_state(before[2])


def seed_globals(*key: int) -> None:
    """Set the global generators of Python, NumPy and torch, GPUs included, from ``key``."""
    torch.manual_seed(_seed_python_and_numpy(key))


def _seed_python_and_numpy(key: tuple[int, ...]) -> int:
    """Seed both, and return a seed for torch."""
    words = np.random.SeedSequence(key).generate_state(10)
    random.seed(words[:4].tobytes())
    np.random.seed(words[4:8])
    return int(words[8]) << 31 ^ int(words[9])
