# Table 1, ResNet-101 + FEM.
_base_ = './table1_resnet50_fem.py'

model = dict(backbone=dict(backbone=dict(depth=101)))
