# Light detectors of 0.5 G multiply-adds at VGA. A tower in the head and a second convolution in the stem
# leave too little for the backbone at this cost; dense blocks reach no less than depthwise ones, and train
# and run faster on a CPU (benchmarks/training/light_spaces.py, light_step.py).
_base_ = './light_supernet.py'

widths = [16, 32, 64, 96]
model = dict(
    backbone=dict(
        stem_channels=16,
        stem_down='pool',
        out_channels=widths,
        depths=[2, 3, 3, 2],
        shallow_choices=['basic3', 'basic3e50', 'conv3e50', 'skip'],
        deep_choices=['basic3', 'basic3e50', 'basic3e150', 'conv3e50', 'skip'],
    ),
    neck=dict(in_channels=widths, channels=24),
    bbox_head=dict(in_channels=24, stacked_convs=0, norm_cfg=None),
)
