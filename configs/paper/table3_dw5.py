# Table 3, depthwise convolution 5x5 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['dw5'] * 3, ['dw5'] * 4, *_base_.deep]))
