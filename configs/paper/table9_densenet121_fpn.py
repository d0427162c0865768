# Table 9, DenseNet-121 + FPN.
_base_ = './table1_resnet50_fpn.py'

model = dict(
    backbone=dict(_delete_=True, type='DenseNet', depth=121),
    neck=dict(in_channels=[256, 512, 1024, 1024]),
)
