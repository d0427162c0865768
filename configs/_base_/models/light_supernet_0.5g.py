# Light detectors of 0.5 G multiply-adds at VGA, with dense blocks and a bare head: at this cost random
# networks learn most that way (benchmarks/training/light_spaces.py).
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
