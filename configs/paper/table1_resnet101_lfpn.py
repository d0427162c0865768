# Table 1, ResNet-101 + "IFPN".
_base_ = './table1_resnet50_lfpn.py'

model = dict(backbone=dict(backbone=dict(depth=101)))
