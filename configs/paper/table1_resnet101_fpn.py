# Table 1, ResNet-101 + FPN; also in table 9.
_base_ = './table1_resnet50_fpn.py'

model = dict(backbone=dict(depth=101))
