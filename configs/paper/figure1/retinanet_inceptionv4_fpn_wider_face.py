# Figure 1(a), Inception-v4 + FPN; section 5.1 names it beside table 9, which has no row for it.
_base_ = '../retinanet_r50_fpn_wider_face.py'

model = dict(
    backbone=dict(_delete_=True, type='InceptionV4'),
    neck=dict(in_channels=[192, 384, 1024, 1536]),
)
