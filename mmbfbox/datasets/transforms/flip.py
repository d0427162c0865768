"""mmdet's ``RandomFlip`` for images of any shape."""

from __future__ import annotations

from typing import Any

import numpy as np
from mmdet.datasets.transforms import RandomFlip
from mmdet.registry import TRANSFORMS


# Under mmdet's name: the name is part of configs that were exported and of searches that go on.
@TRANSFORMS.register_module(name='RandomFlip', force=True)
class AnyShapeFlip(RandomFlip):
    """mmdet's ``RandomFlip``, but an image with one column or row is a new array, too.

    NumPy calls a flipped side of one pixel contiguous although its stride is negative, mmdet does not copy
    it then, and torch does not read negative strides.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Flip, or do not."""
        results = super().transform(results)
        image = results['img']
        if min(image.shape[:2]) == 1 and min(image.strides) < 0:
            results['img'] = np.array(image, order='C')
        return results
