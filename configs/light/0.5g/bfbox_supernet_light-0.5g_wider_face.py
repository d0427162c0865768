# The supernet of light detectors of 0.5 G multiply-adds at VGA.
_base_ = ['../../_base_/models/light_supernet.py', '../../_base_/trainings/light_supernet.py']

widths = [16, 32, 64, 96]
model = dict(
    backbone=dict(stem_channels=16, out_channels=widths, depths=[2, 3, 3, 2]),
    neck=dict(in_channels=widths, channels=24),
    bbox_head=dict(in_channels=24, depthwise=True),
)
final_config = 'light/0.5g/bfbox_subnet_light-0.5g_wider_face.py'
