# Table 7, "Two-step Search Method", step 2: the joint search in the supernet without FPN-attention.
_base_ = './search.py'

model = dict(neck=dict(attention=None))
