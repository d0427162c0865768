# Table 3, convolution 9x9 in the blocks of conv2 and conv3.
_base_ = './retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['conv9'] * 3, ['conv9'] * 4, *_base_.deep]))
