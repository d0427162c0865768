# Table 3, convolution 9x9 in the blocks of conv2 and conv3.
_base_ = './table3_conv3.py'

model = dict(backbone=dict(stages=[['conv9'] * 3, ['conv9'] * 4, *_base_.deep]))
