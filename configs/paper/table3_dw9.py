# Table 3, depthwise convolution 9x9 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['dw9'] * 3, ['dw9'] * 4, *_base_.deep]))
