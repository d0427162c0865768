"""Ridge regression with the penalty that predicts left-out rows best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

PENALTIES = np.logspace(-3, 5, 65)


@dataclass(frozen=True)
class RidgeFit:
    """An additive fit.

    Attributes:
        mean: of the values.
        effects: ``(columns,)`` what one unit of each column adds.
        penalty: that was chosen.
        fitted: ``(rows,)`` the fit at each row.
        left_out: ``(rows,)`` what the fit to all other rows says of each.
    """

    mean: float
    effects: Floats
    penalty: float
    fitted: Floats
    left_out: Floats

    def r2(self, values: Floats) -> float:
        """Share of the variance that is explained in left-out rows; below 0 if the mean explains more."""
        count = len(values)
        # The mean of all other rows is what a fit without columns says.
        without = (values.sum() - values) / (count - 1)
        spread = float(np.sum((values - without) ** 2))
        return 1 - float(np.sum((values - self.left_out) ** 2)) / spread if spread else 0.0


def fit_ridge(matrix: Floats, values: Floats) -> RidgeFit:
    """Fit values by a mean and the effects of columns.

    The penalty minimises generalised cross-validation (Golub, Heath and Wahba 1979); what is said of
    left-out rows follows from the hat matrix, without fitting anew.

    Args:
        matrix: ``(rows, columns)``.
        values: ``(rows,)``, at least three.
    """
    count = len(values)
    mean = float(values.mean())
    centred = matrix - matrix.mean(0)
    left, scales, right = np.linalg.svd(centred, full_matrices=False)
    target = left.T @ (values - mean)
    best: tuple[float, float, Floats, Floats] | None = None
    for penalty in PENALTIES:
        shrunk = scales**2 / (scales**2 + penalty)
        residual = values - mean - left @ (shrunk * target)
        # One degree of freedom is the mean's.
        free = count - 1 - shrunk.sum()
        gcv = count * float(residual @ residual) / max(free, 1e-9) ** 2
        if best is None or gcv < best[0]:
            best = gcv, float(penalty), shrunk, residual
    assert best is not None
    _, penalty, shrunk, residual = best
    hat = (left**2) @ shrunk + 1 / count
    inverse = np.divide(scales, scales**2 + penalty)
    return RidgeFit(
        mean=mean,
        effects=right.T @ (inverse * target),
        penalty=penalty,
        fitted=values - residual,
        left_out=values - residual / np.maximum(1 - hat, 1e-9),
    )
