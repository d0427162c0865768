"""Reliability: the share of the differences between scores that is no noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def reliability_of_halves(even: Floats, odd: Floats) -> float:
    """Split-half reliability of the whole, by Spearman and Brown's formula.

    Both halves of the images score the same networks. What they agree in is no noise of the images (that
    of the supernet's weights is in both, and cannot be seen here).

    Args:
        even, odd: ``(networks,)`` scores by each half.

    Returns:
        From 0 (all noise) to 1; 0 where the halves disagree, or do not tell networks apart at all.

    Example:
        >>> scores = np.array([0.1, 0.2, 0.3])
        >>> round(reliability_of_halves(scores, scores + 0.01), 3)
        1.0
    """
    if len(even) < 2 or np.std(even) == 0 or np.std(odd) == 0:
        return 0.0
    correlation = float(np.corrcoef(even, odd)[0, 1])
    return min(1.0, max(0.0, 2 * correlation / (1 + correlation))) if correlation > 0 else 0.0


def images_needed(reliability: float, images: int, wanted: float = 0.8) -> int | None:
    """How many images would give a reliability, by the same formula; None if no number would.

    Example:
        >>> images_needed(0.5, 200)
        800
    """
    if reliability <= 0:
        return None
    factor = wanted * (1 - reliability) / (reliability * (1 - wanted))
    return math.ceil(round(images * factor, 6))
