# Table 5, the supernet of FDB(6) + FPN: with the blocks of ShuffleNet and Inception-v4, which section
# 4.2.1 names beside the four of figure 2.
_base_ = './bfbox_supernet_fdb4_wider_face.py'

model = dict(
    backbone=dict(
        shallow_choices=[
            *_base_.model.backbone.shallow_choices,
            *('shuffle3', 'shuffle5', 'shuffle7'),
            'inception',
        ],
    ),
)
