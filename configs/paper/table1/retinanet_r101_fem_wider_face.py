# Table 1, ResNet-101 + FEM.
_base_ = './retinanet_r50_fem_wider_face.py'

model = dict(backbone=dict(backbone=dict(depth=101)))
