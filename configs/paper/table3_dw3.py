# Table 3, depthwise convolution 3x3 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['dw3'] * 3, ['dw3'] * 4, *_base_.deep]))
