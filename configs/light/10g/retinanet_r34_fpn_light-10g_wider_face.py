# The baseline of light detectors of 10 G multiply-adds at VGA: as expensive, under the same settings.
_base_ = ['../../_base_/models/light_resnet.py', '../../_base_/trainings/light.py']

model = dict(
    backbone=dict(depth=34, stem_channels=32, base_channels=40),
    neck=dict(in_channels=[40, 80, 160, 320], out_channels=64),
    bbox_head=dict(in_channels=64, feat_channels=96),
)
