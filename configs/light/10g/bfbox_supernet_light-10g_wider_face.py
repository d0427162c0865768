# The supernet of light detectors of 10 G multiply-adds at VGA.
_base_ = ['../../_base_/models/light_supernet.py', '../../_base_/trainings/light_supernet.py']

widths = [80, 136, 208, 288]
model = dict(
    backbone=dict(stem_channels=48, out_channels=widths, depths=[4, 5, 4, 3]),
    neck=dict(in_channels=widths, channels=64),
    bbox_head=dict(in_channels=64, feat_channels=96),
)
final_config = 'light/10g/bfbox_subnet_light-10g_wider_face.py'
