"""The one place where augmentation gets its random numbers from."""

from __future__ import annotations

import numpy as np


def new_generator() -> np.random.Generator:
    """A private generator for one transform of one sample, seeded by NumPy's global state.

    Every data-loader worker has a global state of its own, which the runner seeds.
    """
    return np.random.default_rng(np.random.randint(2**31, size=4))
