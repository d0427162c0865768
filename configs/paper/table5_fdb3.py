# Table 5, the supernet of FDB(3) + FPN: the shallow stages have no dense block, like the deep ones.
_base_ = './table5_fdb4.py'

model = dict(backbone=dict(shallow_choices=_base_.model.backbone.shallow_choices[:-2]))
