# Table 5, the supernet of FDB(8) + FPN: with SPOS's Xception block and a heuristic one, too.
_base_ = './table5_fdb6.py'

model = dict(
    backbone=dict(
        shallow_choices=[
            *_base_.model.backbone.shallow_choices,
            'xception',
            *('line3', 'line5', 'line7'),
        ],
    ),
)
