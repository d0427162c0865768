# The same space in small, for two CPU cores: few slots, fewer choices, narrow.
_base_ = './face_detector_tiny.py'

model = dict(
    backbone=dict(
        type='SearchableFaceBackbone',
        stem_channels=16,
        out_channels=[48, 64, 96, 96],
        depths=[1, 2, 1, 1],
        shallow_choices=['conv3', 'conv5', 'dw3', 'dw7', 'dw3_5', 'dense2x32'],
        deep_choices=['conv3', 'conv5', 'dw3', 'dw5'],
    ),
    neck=dict(
        type='SearchableAttentionFPN',
        in_channels=[48, 64, 96, 96],
        targets=[2, 3, 4],
        channels=32,
    ),
    bbox_head=dict(in_channels=32),
)
model_wrapper_cfg = dict(type='PathDataParallel')
