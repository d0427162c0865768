"""Images as a test pipeline packs them, and what was found on them."""

from __future__ import annotations

import numpy as np
import torch
from mmdet.structures import DetDataSample


def batch(pixels: np.ndarray) -> dict:
    """An image ``(H, W, 3)`` as a test pipeline packs it."""
    size = pixels.shape[:2]
    meta = dict(img_path='image.jpg', img_shape=size, ori_shape=size, scale_factor=(1.0, 1.0))
    tensor = torch.from_numpy(pixels).permute(2, 0, 1)
    return dict(inputs=[tensor], data_samples=[DetDataSample(metainfo=meta)])


def found(sample: DetDataSample) -> np.ndarray:
    instances = sample.pred_instances
    return np.hstack((instances.bboxes.numpy(), instances.scores.numpy()[:, None]))
