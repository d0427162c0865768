# Table 9, DenseNet-121 + FPN.
_base_ = '../retinanet_r50_fpn_wider_face.py'

model = dict(
    backbone=dict(_delete_=True, type='DenseNet', depth=121),
    neck=dict(in_channels=[256, 512, 1024, 1024]),
)
