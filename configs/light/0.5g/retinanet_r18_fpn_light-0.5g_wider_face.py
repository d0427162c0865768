# The baseline of light detectors of 0.5 G multiply-adds at VGA: as expensive, under the same settings.
_base_ = ['../../_base_/models/light_resnet.py', '../../_base_/trainings/light.py']

model = dict(
    backbone=dict(stem_channels=12, base_channels=10),
    neck=dict(in_channels=[10, 20, 40, 80], out_channels=24),
    bbox_head=dict(in_channels=24, depthwise=True),
)
