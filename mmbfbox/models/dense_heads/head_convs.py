"""What a head consists of, for counting its costs."""

from __future__ import annotations

from typing import NamedTuple

from mmdet.models.dense_heads import RetinaHead

from mmbfbox.errors import UserError
from mmbfbox.models.dense_heads.per_level_retina_head import PerLevelRetinaHead
from mmbfbox.models.dense_heads.shared_face_head import SharedFaceHead
from mmbfbox.space.blocks import Conv


class HeadConvs(NamedTuple):
    """The convolutions of a head."""

    convs: tuple[Conv, ...]
    """Those that it applies to each level."""
    shared: bool
    """Whether the levels share them."""
    scales: int = 0
    """Further parameters that each level has for itself."""


def head_convs(head: RetinaHead) -> HeadConvs:
    """The convolutions that a head applies to each level, and whether the levels share them.

    Raises:
        UserError: neither a SharedFaceHead, a PerLevelRetinaHead, nor a RetinaHead.
    """
    if isinstance(head, SharedFaceHead):
        towers = head.tower() * (1 if head.share_branches else 2)
        return HeadConvs((*towers, *head.outputs()), head.shared, scales=1)
    if type(head) not in (RetinaHead, PerLevelRetinaHead):
        raise UserError(
            f'the costs of a {type(head).__name__} are not known; use SharedFaceHead, '
            f'PerLevelRetinaHead, or RetinaHead'
        )
    priors, width = head.num_base_priors, head.in_channels
    norm = head.norm_cfg is not None
    convs = []
    for _ in range(head.stacked_convs):
        convs += [Conv(width, head.feat_channels, (3, 3), norm=norm, bias=not norm)] * 2
        width = head.feat_channels
    for channels in (head.cls_out_channels, head.bbox_coder.encode_size):
        convs.append(Conv(width, priors * channels, (3, 3), norm=False, bias=True))
    return HeadConvs(tuple(convs), not isinstance(head, PerLevelRetinaHead))
