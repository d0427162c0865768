"""Reading images into the pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from mmengine.logging import print_log

from mmbfbox.utils.images import DamagedImageError, ImageFile, read_image

__all__ = ['DamagedImageError', 'DecodeFaceImage', 'ImageFile', 'LoadFaceImage', 'read_image']

AS_STORED = dict(type='LoadImageFromFile', color_type='color_ignore_orientation')
"""mmdet's own step that gives the pixels of ``LoadFaceImage()``, for programs that look for it."""

STAND_IN = (64, 64)
"""Height and width of the grey image that stands in for one that cannot be read."""


@TRANSFORMS.register_module()
class LoadFaceImage(BaseTransform):
    """Read ``img_path`` into ``img``, or only into memory.

    Added keys: ``img`` or ``image_file``, ``img_shape`` and ``ori_shape`` (height, width),
    ``scale_factor`` (1, 1). A damaged image that is read all the same is named in the log. With the key
    ``unreadable`` a small grey image takes the place of the file.

    Args:
        decode: False leaves decoding to ``DataAnchorSampling``, which decodes no more than it
            shows, and to ``DecodeFaceImage``, which must come before any other transform that
            uses the pixels.
        strict: True refuses damaged JPEGs that other decoders read, see :class:`ImageFile`. Training
            skips and lists them; tests should read what others read.
    """

    def __init__(self, decode: bool = True, strict: bool = False) -> None:
        self.decode = decode
        self.strict = strict
        self._named: set[str] = set()

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image.

        Raises:
            DamagedImageError: see :class:`ImageFile`.
        """
        if 'unreadable' in results:
            grey = np.full((*STAND_IN, 3), 128, np.uint8)
            results.update(
                img=grey, img_shape=STAND_IN, ori_shape=STAND_IN, scale_factor=(1.0, 1.0)
            )
            return results
        file = ImageFile(results['img_path'], self.strict)
        if file.damage and file.path not in self._named:
            self._named.add(str(file.path))
            print_log(
                f'the image {file.path} is {file.damage}; it is used as far as it can be read',
                logger='current',
                level=logging.WARNING,
            )
        shape = tuple(file.shape)
        results.update(img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0), image_file=file)
        return _decoded(results) if self.decode else results


@TRANSFORMS.register_module()
class DecodeFaceImage(BaseTransform):
    """Decode what ``LoadFaceImage(decode=False)`` left and nothing has decoded since.

    Changed keys: ``image_file`` becomes ``img``.
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``img`` if it is not there.

        Raises:
            DamagedImageError: the image cannot be decoded.
        """
        return _decoded(results) if 'image_file' in results else results


def _decoded(results: dict[str, Any]) -> dict[str, Any]:
    file: ImageFile = results.pop('image_file')
    image = file.pixels()
    for change in file.changes:
        image = change(image)
    results['img'] = image
    return results


def with_our_reader(pipeline: Sequence[Any]) -> list[Any]:
    """The steps of a pipeline, :data:`AS_STORED` replaced by ``LoadFaceImage()``.

    Both give the same pixels of whole files; ours also reads damaged ones as far as others do.
    """
    return [
        dict(type='LoadFaceImage')
        if isinstance(step, Mapping) and dict(step) == AS_STORED
        else step
        for step in pipeline
    ]
