# Table 5, FDB(3) + FPN in its other reading: 3 slots in each of conv2 and conv3.
_base_ = './table5_fdb4.py'

model = dict(backbone=dict(depths=[3, 3, 4, 4, 4, 4]))
