# A narrow ResNet-18 with mmdet's FPN, as expensive as a good tiny architecture.
_base_ = './face_detector_tiny.py'

model = dict(
    backbone=dict(
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=10,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    neck=dict(type='FPN', in_channels=[10, 20, 40, 80], out_channels=24, num_outs=4),
    bbox_head=dict(in_channels=24),
)
