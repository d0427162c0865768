# Table 5, FDB(6) + FPN in its other reading: 6 slots in each of conv2 and conv3.
_base_ = './table5_fdb4.py'

model = dict(backbone=dict(depths=[6, 6, 4, 4, 4, 4]))
