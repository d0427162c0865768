# Table 3, convolution 5x5 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['conv5'] * 3, ['conv5'] * 4, *_base_.deep]))
