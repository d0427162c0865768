# Table 1, ResNet-101 + FPN; also in table 9.
_base_ = '../retinanet_r50_fpn_wider_face.py'

model = dict(backbone=dict(depth=101))
