# Table 3, convolution 11x11 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['conv11'] * 3, ['conv11'] * 4, *_base_.deep]))
