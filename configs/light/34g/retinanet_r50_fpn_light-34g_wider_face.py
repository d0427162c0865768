# The baseline of light detectors of 34 G multiply-adds at VGA: as expensive, under the same settings.
_base_ = ['../../_base_/models/light_resnet.py', '../../_base_/trainings/light.py']

model = dict(
    backbone=dict(depth=50, stem_channels=64, base_channels=70),
    neck=dict(in_channels=[280, 560, 1120, 2240], out_channels=128),
    bbox_head=dict(in_channels=128, feat_channels=160),
)
