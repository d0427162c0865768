"""Steps of the data pipeline."""

from mmbfbox.datasets.transforms.data_anchor_sampling import DataAnchorSampling
from mmbfbox.datasets.transforms.loading import DamagedImageError, DecodeFaceImage, LoadFaceImage
from mmbfbox.datasets.transforms.photometric import FacePhotometricDistortion

__all__ = [
    'DamagedImageError',
    'DataAnchorSampling',
    'DecodeFaceImage',
    'FacePhotometricDistortion',
    'LoadFaceImage',
]
