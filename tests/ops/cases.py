"""Random boxes and scores, with what goes wrong in practice: ties, no area, turned sides, none at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from mmcv import _ext

CASES = 400
COMPILED = not _ext.__file__.endswith('.py')
needs_compiled = pytest.mark.skipif(
    not COMPILED, reason='mmcv is not compiled here, make env OPS=full compiles it'
)


@dataclass(frozen=True)
class Case:
    """Arguments of a suppression."""

    boxes: torch.Tensor
    scores: torch.Tensor
    threshold: float
    offset: int

    @property
    def dets(self) -> torch.Tensor:
        """``(N, 5)``."""
        return torch.cat([self.boxes, self.scores[:, None]], dim=1)


def make_case(number: int, most: int = 200) -> Case:
    """The case of this number, the same on every machine."""
    rng = np.random.default_rng(number)
    count = int(rng.integers(0, 4 if number % 10 == 0 else most))
    corners = rng.uniform(0, 60, (count, 2))
    sizes = rng.uniform(0, 30, (count, 2))
    if number % 3 == 0:  # many equal boxes, many without area, IoUs that equal the threshold
        corners, sizes = corners.round(), sizes.round(-1)
    boxes = np.concatenate([corners, corners + sizes], axis=1).astype(np.float32)
    if number % 7 == 0:  # left and right, top and bottom changed
        boxes[rng.random(count) < 0.2, 2:] -= 40
    if number % 11 == 0:
        odd = (np.nan, np.inf, -np.inf)[number % 3]
        boxes[rng.random(count) < 0.1, rng.integers(0, 4)] = odd
    scores = rng.random(count)
    if number % 2:  # ties
        scores = (scores * 8).round() / 8
    threshold = float(rng.choice([0.0, 0.1, 0.3, 1 / 3, 0.5, 0.7, 1.0]))
    return Case(
        torch.from_numpy(boxes),
        torch.from_numpy(scores.astype(np.float32)),
        threshold,
        number // 2 % 2,
    )
