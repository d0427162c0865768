"""Networks: candidate blocks, backbones, feature pyramids, head and assigner."""

from mmbfbox.models.assigner import FaceAssigner
from mmbfbox.models.backbone import FaceBackbone, SearchableFaceBackbone
from mmbfbox.models.fpn import AttentionFPN, SearchableAttentionFPN
from mmbfbox.models.head import PerLevelRetinaHead
from mmbfbox.models.searchable import active_arch, cost_table, set_arch, space_of
from mmbfbox.models.traced import traced_macs

__all__ = [
    'AttentionFPN',
    'FaceAssigner',
    'FaceBackbone',
    'PerLevelRetinaHead',
    'SearchableAttentionFPN',
    'SearchableFaceBackbone',
    'active_arch',
    'cost_table',
    'set_arch',
    'space_of',
    'traced_macs',
]
