# The same space in small, for two CPU cores: strides 4 to 32, few slots, fewer choices, narrow.
_base_ = './bfbox.py'

model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(
        stem_channels=16,
        out_channels=[48, 64, 96, 96],
        depths=[1, 2, 1, 1],
        shallow_choices=['conv3', 'conv5', 'dw3', 'dw7', 'dw3_5', 'dense2x32'],
        deep_choices=['conv3', 'conv5', 'dw3', 'dw5'],
    ),
    neck=dict(in_channels=[48, 64, 96, 96], targets=[2, 3, 4], channels=32),
    bbox_head=dict(in_channels=32, anchor_generator=dict(strides=[4, 8, 16, 32])),
)
