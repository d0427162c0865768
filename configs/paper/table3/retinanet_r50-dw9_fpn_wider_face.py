# Table 3, depthwise convolution 9x9 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['dw9'] * 3, ['dw9'] * 4, *_base_.deep]))
