"""Reading images, with damaged ones found instead of half-decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmdet.registry import TRANSFORMS
from numpy.typing import NDArray

from mmbfbox.errors import UserError

_JPEG, _SCAN, _END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'


class DamagedImageError(UserError):
    """An image file that is missing, cut off or no image."""


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Decode an image file to ``(H, W, 3)`` uint8 BGR, as stored: boxes refer to that orientation.

    Raises:
        DamagedImageError: the file cannot be read or decoded, or it is a JPEG that was cut off,
            which decoders accept and fill up with grey.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DamagedImageError(
            f'cannot read the image {path}: {error.strerror}; restore the file'
        ) from error
    # Inside a scan 0xff is always escaped, so a whole file has an end marker after its last scan.
    if data.startswith(_JPEG) and data.rfind(_END) <= data.rfind(_SCAN):
        raise DamagedImageError(
            f'the image {path} is cut off: a JPEG of {len(data)} bytes without an end; '
            'unpack it again'
        )
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    if image is None:
        raise DamagedImageError(
            f'the image {path} cannot be decoded ({len(data)} bytes); unpack it again'
        )
    return image


@TRANSFORMS.register_module()
class LoadFaceImage(BaseTransform):
    """Read ``img_path`` into ``img`` by :func:`read_image`.

    Added keys: ``img``, ``img_shape`` and ``ori_shape`` (height, width), ``scale_factor`` (1, 1).
    """

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image.

        Raises:
            DamagedImageError: see :func:`read_image`.
        """
        image = read_image(results['img_path'])
        shape = image.shape[:2]
        results.update(img=image, img_shape=shape, ori_shape=shape, scale_factor=(1.0, 1.0))
        return results
