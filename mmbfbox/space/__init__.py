"""What an architecture is: pure Python and NumPy, no torch.

An :class:`Arch` says which choice each backbone slot takes and how the feature pyramid is wired. The
spaces say which archs exist, draw them, and tell what they cost.
"""

from mmbfbox.space.arch import Arch, Merge
from mmbfbox.space.backbone import DEEP_CHOICES, SHALLOW_CHOICES, BackboneSpace
from mmbfbox.space.blocks import SKIP
from mmbfbox.space.costs import Cost, CostTable
from mmbfbox.space.fpn import FpnSpace
from mmbfbox.space.frozen import FrozenSpace, freeze
from mmbfbox.space.joint import JointSpace

__all__ = [
    'DEEP_CHOICES',
    'SHALLOW_CHOICES',
    'SKIP',
    'Arch',
    'BackboneSpace',
    'Cost',
    'CostTable',
    'FpnSpace',
    'FrozenSpace',
    'JointSpace',
    'Merge',
    'freeze',
]
