# Table 5, the supernet of FDB(3) + FPN: the shallow stages have no dense block, like the deep ones.
_base_ = './bfbox_supernet_fdb4_wider_face.py'

model = dict(backbone=dict(shallow_choices=_base_.model.backbone.shallow_choices[:-2]))
