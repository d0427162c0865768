# Table 5, the supernet of FDB(4) + FPN: figure 2's four kinds of blocks in the shallow stages. The
# pyramid is an FPN if the search keeps its topology: top-down plain sums, each followed by a 3x3.
_base_ = '../bfbox_supernet_wider_face.py'

model = dict(
    backbone=dict(
        shallow_choices=[
            *('conv3', 'conv5', 'conv7', 'conv9'),
            *('dw3', 'dw5', 'dw7', 'dw9'),
            *('dw3_5', 'dw5_7'),
            *('dense2x32', 'dense3x16'),
        ],
    ),
    neck=dict(attention=None, receptive='smooth'),
)
