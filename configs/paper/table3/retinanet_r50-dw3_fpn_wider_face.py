# Table 3, depthwise convolution 3x3 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['dw3'] * 3, ['dw3'] * 4, *_base_.deep]))
