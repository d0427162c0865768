"""Networks: candidate blocks, backbones, feature pyramids, head and assigner."""

from mmbfbox.models.backbones.bfbox import FaceBackbone, SearchableFaceBackbone
from mmbfbox.models.backbones.densenet import DenseNet
from mmbfbox.models.backbones.extra_levels import ExtraLevels
from mmbfbox.models.backbones.inception_v4 import InceptionV4
from mmbfbox.models.data_preprocessor import FaceDataPreprocessor
from mmbfbox.models.dense_heads.per_level_retina_head import PerLevelRetinaHead
from mmbfbox.models.dense_heads.shared_face_head import SharedFaceHead
from mmbfbox.models.necks.attention_fpn import AttentionFPN, SearchableAttentionFPN
from mmbfbox.models.necks.fem import FEM
from mmbfbox.models.necks.lfpn import LFPN
from mmbfbox.models.necks.nas_fpn import FaceNASFPN
from mmbfbox.models.necks.reuse_level import ReuseLevel
from mmbfbox.models.searchable import (
    active_arch,
    cost_table,
    names_on_path,
    set_arch,
    space_of,
)
from mmbfbox.models.task_modules.face_assigner import FaceAssigner
from mmbfbox.models.task_modules.face_atss_assigner import FaceATSSAssigner
from mmbfbox.models.traced_costs import traced_macs

__all__ = [
    'FEM',
    'LFPN',
    'AttentionFPN',
    'DenseNet',
    'ExtraLevels',
    'FaceATSSAssigner',
    'FaceAssigner',
    'FaceBackbone',
    'FaceDataPreprocessor',
    'FaceNASFPN',
    'InceptionV4',
    'PerLevelRetinaHead',
    'ReuseLevel',
    'SearchableAttentionFPN',
    'SearchableFaceBackbone',
    'SharedFaceHead',
    'active_arch',
    'cost_table',
    'names_on_path',
    'set_arch',
    'space_of',
    'traced_macs',
]
