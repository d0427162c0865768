# The same space in small, for two CPU cores: strides 4 to 32, two slots a stage, narrow.
_base_ = './bfbox.py'

model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    backbone=dict(stem_channels=16, out_channels=[48, 64, 96, 96], depths=[2, 2, 2, 2]),
    neck=dict(in_channels=[48, 64, 96, 96], targets=[2, 3, 4], channels=48),
    bbox_head=dict(in_channels=48, anchor_generator=dict(strides=[4, 8, 16, 32])),
)
