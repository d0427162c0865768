# Table 5, FDB(8) + FPN in its other reading: 8 slots in each of conv2 and conv3.
_base_ = './bfbox_supernet_fdb4_wider_face.py'

model = dict(backbone=dict(depths=[8, 8, 4, 4, 4, 4]))
