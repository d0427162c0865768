# Table 5, the supernet of ICB(4) + FPN: the four choice blocks of SPOS in every stage.
_base_ = './bfbox_supernet_fdb4_wider_face.py'

choices = ['shuffle3', 'shuffle5', 'shuffle7', 'xception']
model = dict(backbone=dict(shallow_choices=choices, deep_choices=choices))
