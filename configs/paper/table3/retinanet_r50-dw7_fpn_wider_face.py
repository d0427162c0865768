# Table 3, depthwise convolution 7x7 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['dw7'] * 3, ['dw7'] * 4, *_base_.deep]))
