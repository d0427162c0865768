"""Networks: candidate blocks, backbones, feature pyramids, head and assigner."""

from mmbfbox.models.assigner import FaceAssigner
from mmbfbox.models.backbone import FaceBackbone, SearchableFaceBackbone
from mmbfbox.models.densenet import DenseNet
from mmbfbox.models.extra_levels import ExtraLevels
from mmbfbox.models.fem import FEM
from mmbfbox.models.fpn import AttentionFPN, SearchableAttentionFPN
from mmbfbox.models.head import PerLevelRetinaHead
from mmbfbox.models.inception import InceptionV4
from mmbfbox.models.lfpn import LFPN
from mmbfbox.models.nas_fpn import FaceNASFPN
from mmbfbox.models.preprocess import FaceDataPreprocessor
from mmbfbox.models.reuse_level import ReuseLevel
from mmbfbox.models.searchable import active_arch, cost_table, set_arch, space_of
from mmbfbox.models.traced import traced_macs

__all__ = [
    'FEM',
    'LFPN',
    'AttentionFPN',
    'DenseNet',
    'ExtraLevels',
    'FaceAssigner',
    'FaceBackbone',
    'FaceDataPreprocessor',
    'FaceNASFPN',
    'InceptionV4',
    'PerLevelRetinaHead',
    'ReuseLevel',
    'SearchableAttentionFPN',
    'SearchableFaceBackbone',
    'active_arch',
    'cost_table',
    'set_arch',
    'space_of',
    'traced_macs',
]
