"""Mean attention of each FPN level over the held-out images, for the report."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch

from mmbfbox.artifacts.attention import Attention
from mmbfbox.models.necks.attention_means import attention_means
from mmbfbox.space import Arch


@torch.no_grad()
def measure_attention(
    subnet: Callable[[Arch], Any], batches: Iterable[Any], archs: Sequence[Arch]
) -> Attention:
    """Mean attention of each level, over images and archs.

    The attention of a level depends on its lateral, and so on the backbone, but not on the merges.

    Args:
        subnet: gives the detector of an arch with batch-norm statistics of its own, as
            :meth:`~mmbfbox.search.scoring.reference.ReferenceScorer.subnet` does.
        batches: the held-out images.
        archs: a few good archs.

    Returns:
        Without attention in the FPN its ``levels`` is empty.
    """
    found: dict[str, list[float]] = {}
    images = 0
    for arch in archs:
        model = subnet(arch)
        images = 0
        with attention_means(model) as means:
            for batch in batches:
                inputs = model.data_preprocessor(batch, False)['inputs']
                model.extract_feat(inputs)
                images += len(inputs)
            for level, mean in means.read().items():
                found.setdefault(level, []).append(mean)
    levels = {
        level: dict(mean=round(float(np.mean(means)), 5), spread=round(float(np.std(means)), 5))
        for level, means in sorted(found.items())
    }
    return Attention(levels, images, len(archs))
