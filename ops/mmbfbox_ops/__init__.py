"""The operators of mmcv that face detection needs, without a compiler.

The file ``mmcv/_ext.py`` of this distribution stands where a compiled mmcv has its extension.
"""

from mmbfbox_ops.focal_loss import sigmoid_focal_loss_backward, sigmoid_focal_loss_forward
from mmbfbox_ops.soft_suppression import softnms
from mmbfbox_ops.suppression import nms, nms_match

__all__ = [
    'nms',
    'nms_match',
    'sigmoid_focal_loss_backward',
    'sigmoid_focal_loss_forward',
    'softnms',
]

__version__ = '0.1.0'
