# Table 1, ResNet-152 + FPN.
_base_ = '../retinanet_r50_fpn_wider_face.py'

model = dict(backbone=dict(depth=152))
