# A ResNet-18 as expensive as light detectors of 0.5 G multiply-adds at VGA, with their head.
_base_ = './light_resnet.py'

model = dict(
    backbone=dict(stem_channels=12, base_channels=11),
    neck=dict(in_channels=[11, 22, 44, 88], out_channels=24),
    bbox_head=dict(in_channels=24, stacked_convs=0, norm_cfg=None),
)
