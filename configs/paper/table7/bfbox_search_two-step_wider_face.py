# Table 7, "Two-step Search Method", step 2: the joint search in the supernet without FPN-attention.
_base_ = '../bfbox_search_wider_face.py'

model = dict(neck=dict(attention=None))
