# Table 1, ResNet-101 + "IFPN".
_base_ = './retinanet_r50_lfpn_wider_face.py'

model = dict(backbone=dict(backbone=dict(depth=101)))
