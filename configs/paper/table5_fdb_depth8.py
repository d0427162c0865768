# Table 5, FDB(8) + FPN in its other reading: 8 slots in each of conv2 and conv3.
_base_ = './table5_fdb4.py'

model = dict(backbone=dict(depths=[8, 8, 4, 4, 4, 4]))
