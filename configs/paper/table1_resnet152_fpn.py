# Table 1, ResNet-152 + FPN.
_base_ = './table1_resnet50_fpn.py'

model = dict(backbone=dict(depth=152))
