# The supernet of light detectors of 34 G multiply-adds at VGA.
_base_ = ['../../_base_/models/light_supernet.py', '../../_base_/trainings/light_supernet.py']

widths = [136, 224, 320, 448]
model = dict(
    backbone=dict(stem_channels=64, out_channels=widths, depths=[5, 6, 6, 4]),
    neck=dict(in_channels=widths, channels=128),
    bbox_head=dict(in_channels=128, feat_channels=160),
)
final_config = 'light/34g/bfbox_subnet_light-34g_wider_face.py'
