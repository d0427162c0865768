# Table 3, convolution 7x7 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['conv7'] * 3, ['conv7'] * 4, *_base_.deep]))
