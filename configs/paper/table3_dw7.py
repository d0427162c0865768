# Table 3, depthwise convolution 7x7 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['dw7'] * 3, ['dw7'] * 4, *_base_.deep]))
