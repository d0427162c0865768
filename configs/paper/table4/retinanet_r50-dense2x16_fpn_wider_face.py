# Table 4, four dense blocks of 2 layers with growth 16 in each of conv2 and conv3.
_base_ = '../table3/retinanet_r50-conv3_fpn_wider_face.py'

model = dict(backbone=dict(stages=[['dense2x16'] * 4, ['dense2x16'] * 4, *_base_.deep]))
