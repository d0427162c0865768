# Table 3, depthwise convolutions 3x3 and 5x5 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['dw3_5'] * 3, ['dw3_5'] * 4, *_base_.deep]))
