"""mmdet's ``Resize`` for images of any shape."""

from __future__ import annotations

from typing import Any

import mmcv
from mmdet.datasets.transforms import Resize
from mmdet.registry import TRANSFORMS

from mmbfbox.errors import UserError
from mmbfbox.utils.settings import is_whole


# Under mmdet's name: the name is part of configs that were exported and of searches that go on.
@TRANSFORMS.register_module(name='Resize', force=True)
class AnyShapeResize(Resize):
    """mmdet's ``Resize``, but no side becomes shorter than one pixel.

    With ``keep_ratio``, a panorama of 3000 x 3 pixels would have no height at a width of 640, which
    OpenCV refuses.

    Raises:
        UserError: it has neither a scale, two whole numbers of pixels, nor a factor.
    """

    scale: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.scale, list):
            self.scale = tuple(self.scale)  # as --cfg-options gives it
        sides = self.scale or ()
        if self.scale_factor is None and (
            len(sides) != 2 or not all(is_whole(s, 1) for s in sides)
        ):
            raise UserError(
                f'scale is {self.scale!r} and there is no scale_factor; set one of them, a scale to a width '
                f'and a height in whole pixels'
            )

    def _resize_img(self, results: dict[str, Any]) -> None:
        if not self.keep_ratio or results.get('img') is None:
            super()._resize_img(results)
            return
        height, width = results['img'].shape[:2]
        size = mmcv.rescale_size((width, height), results['scale'])
        if min(size) > 0:
            super()._resize_img(results)
            return
        size = tuple(max(1, side) for side in size)
        results['img'] = mmcv.imresize(
            results['img'], size, interpolation=self.interpolation, backend=self.backend
        )
        results['img_shape'] = results['img'].shape[:2]
        results['scale_factor'] = (size[0] / width, size[1] / height)
        results['keep_ratio'] = self.keep_ratio
