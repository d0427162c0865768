# Table 7, "Two-step Search Method", step 1: backbone and pyramid sampled together, without FPN-attention.
_base_ = '../bfbox_supernet_wider_face.py'

model = dict(neck=dict(attention=None))
