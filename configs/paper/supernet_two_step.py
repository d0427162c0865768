# Table 7, "Two-step Search Method", step 1: backbone and pyramid sampled together, without FPN-attention.
_base_ = './supernet.py'

model = dict(neck=dict(attention=None))
