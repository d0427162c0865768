# Table 3, depthwise convolutions 3x3 and 5x5 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['dw3_5'] * 3, ['dw3_5'] * 4, *_base_.deep]))
