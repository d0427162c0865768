"""Data sets of faces and the transforms that training needs."""

from mmbfbox.datasets.coco_face import CocoFaceDataset
from mmbfbox.datasets.face_benchmarks import FaceBenchmarkDataset
from mmbfbox.datasets.fixed_samples import FixedSamples
from mmbfbox.datasets.sampler import ResumableSampler, SampleIndex
from mmbfbox.datasets.stored_samples import StoredSamples
from mmbfbox.datasets.transforms import (
    DamagedImageError,
    DataAnchorSampling,
    DecodeFaceImage,
    FacePhotometricDistortion,
    LoadFaceImage,
)
from mmbfbox.datasets.wider_face import WiderFaceDataset

__all__ = [
    'CocoFaceDataset',
    'DamagedImageError',
    'DataAnchorSampling',
    'DecodeFaceImage',
    'FaceBenchmarkDataset',
    'FacePhotometricDistortion',
    'FixedSamples',
    'LoadFaceImage',
    'ResumableSampler',
    'SampleIndex',
    'StoredSamples',
    'WiderFaceDataset',
]
