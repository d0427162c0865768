# Table 5, the supernet of FDB(8) + FPN: with SPOS's Xception block and a heuristic one, too.
_base_ = './bfbox_supernet_fdb6_wider_face.py'

model = dict(
    backbone=dict(
        shallow_choices=[
            *_base_.model.backbone.shallow_choices,
            'xception',
            *('line3', 'line5', 'line7'),
        ],
    ),
)
