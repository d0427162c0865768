# Table 3, depthwise convolutions 3x3 and 7x7 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['dw3_7'] * 3, ['dw3_7'] * 4, *_base_.deep]))
