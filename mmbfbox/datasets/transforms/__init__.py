"""Steps of the data pipeline."""

from mmbfbox.datasets.transforms.data_anchor_sampling import DataAnchorSampling
from mmbfbox.datasets.transforms.flip import AnyShapeFlip
from mmbfbox.datasets.transforms.loading import DamagedImageError, DecodeFaceImage, LoadFaceImage
from mmbfbox.datasets.transforms.photometric import FacePhotometricDistortion
from mmbfbox.datasets.transforms.resize import AnyShapeResize

__all__ = [
    'AnyShapeFlip',
    'AnyShapeResize',
    'DamagedImageError',
    'DataAnchorSampling',
    'DecodeFaceImage',
    'FacePhotometricDistortion',
    'LoadFaceImage',
]
