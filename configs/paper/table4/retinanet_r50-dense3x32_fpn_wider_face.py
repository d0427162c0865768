# Table 4, four dense blocks of 3 layers with growth 32 in each of conv2 and conv3.
_base_ = '../table3/retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['dense3x32'] * 4, ['dense3x32'] * 4, *_base_.deep]))
