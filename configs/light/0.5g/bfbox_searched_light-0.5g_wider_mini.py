# The network that the search of this folder found (docs/search.md): the winner of its finalists, with 0.51 G
# multiply-adds at VGA and 0.58 M parameters.
_base_ = ['../../_base_/models/light_detector.py', '../../_base_/trainings/light.py']

widths = [16, 32, 64, 96]
model = dict(
    backbone=dict(
        type='FaceBackbone',
        stem_channels=16,
        stem_kernel=3,
        out_channels=widths,
        stages=[
            ['basic3', 'basic3e50'],
            ['basic3e50', 'basic3e50'],
            ['basic3e50', 'conv3e50', 'conv3e50'],
            ['basic3e150', 'basic3e150'],
        ],
    ),
    neck=dict(
        type='AttentionFPN',
        in_channels=widths,
        merges=['p4 = c4 + c3', 'p5 = c5 + c3', 'p3 = c3 + p5'],
        channels=24,
        receptive='smooth',
        start_level=1,
        norm_cfg=_base_.norm,
    ),
    bbox_head=dict(in_channels=24, stacked_convs=0, norm_cfg=None),
)
