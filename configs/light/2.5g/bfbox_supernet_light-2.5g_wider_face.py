# The supernet of light detectors of 2.5 G multiply-adds at VGA.
_base_ = ['../../_base_/models/light_supernet.py', '../../_base_/trainings/light_supernet.py']

widths = [40, 72, 112, 160]
model = dict(
    backbone=dict(stem_channels=24, out_channels=widths, depths=[3, 4, 4, 3]),
    neck=dict(in_channels=widths, channels=32),
    bbox_head=dict(in_channels=32),
)
final_config = 'light/2.5g/bfbox_subnet_light-2.5g_wider_face.py'
