"""Data sets of faces and the transforms that training needs."""

from mmbfbox.datasets.transforms import (
    DamagedImageError,
    DataAnchorSampling,
    FacePhotometricDistortion,
    LoadFaceImage,
)
from mmbfbox.datasets.wider_face import WiderFaceDataset

__all__ = [
    'DamagedImageError',
    'DataAnchorSampling',
    'FacePhotometricDistortion',
    'LoadFaceImage',
    'WiderFaceDataset',
]
