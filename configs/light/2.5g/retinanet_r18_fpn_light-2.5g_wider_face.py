# The baseline of light detectors of 2.5 G multiply-adds at VGA: as expensive, under the same settings.
_base_ = ['../../_base_/models/light_resnet.py', '../../_base_/trainings/light.py']

model = dict(
    backbone=dict(stem_channels=28, base_channels=26),
    neck=dict(in_channels=[26, 52, 104, 208], out_channels=32),
    bbox_head=dict(in_channels=32),
)
