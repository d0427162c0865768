"""Comparing the images of the predictions with those of the ground truth."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path

from mmbfbox.errors import UserError


def check_image_names(predicted: Iterable[str], annotated: Iterable[str], source: Path) -> None:
    """Refuse predictions of other images; warn if some images are missing or unknown.

    Args:
        predicted: names of the images with predictions.
        annotated: names of the images of the benchmark.
        source: where the predictions come from, for the message.

    Raises:
        UserError: no predicted image is in the ground truth.

    Warns:
        UserWarning: once, with the number of missing and of unknown images.
    """
    predicted, annotated = set(predicted), set(annotated)
    missing, unknown = sorted(annotated - predicted), sorted(predicted - annotated)
    if not predicted & annotated:
        raise UserError(
            f'{source} has no image of the ground truth, but for example {unknown[:1]} instead of '
            f'{missing[:1]}; names must agree, without suffix'
        )
    if missing or unknown:
        told = [
            f'{len(names)} images {what}, such as {names[0]}'
            for names, what in (
                (missing, 'have no predictions and count as missed'),
                (unknown, 'are not in the ground truth; only their scores are used, if at all'),
            )
            if names
        ]
        warnings.warn(f'{source}: {"; ".join(told)}', UserWarning, stacklevel=2)
