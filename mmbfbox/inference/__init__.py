"""How a detector is run over images: test-time views and box voting, and one pyramid level at a time."""

from mmbfbox.inference.multi_view import MultiViewDetector
from mmbfbox.inference.per_level import PerLevelDetector, PerLevelMetric
from mmbfbox.inference.testing import HowToTest, test_detector
from mmbfbox.inference.views import PRESETS, View
from mmbfbox.utils.box_voting import vote_boxes

__all__ = [
    'PRESETS',
    'HowToTest',
    'MultiViewDetector',
    'PerLevelDetector',
    'PerLevelMetric',
    'View',
    'test_detector',
    'vote_boxes',
]
