# Table 6, the supernet of ResNet-50 + Ours: one backbone, every topology. ResNet-50 is a space of one choice;
# c6 and c7 are one more bottleneck each.
_base_ = '../bfbox_supernet_wider_face.py'

widths = [256, 512, 1024, 2048, 512, 256]
model = dict(
    backbone=dict(
        depths=[3, 4, 6, 3, 1, 1],
        out_channels=widths,
        shallow_choices=['conv3'],
        deep_choices=['conv3'],
    ),
    neck=dict(in_channels=widths),
)
