# A network of the 0.5 G family put together by hand: 0.49 G multiply-adds at VGA, 0.32 M parameters.
_base_ = ['../../_base_/models/light_detector.py', '../../_base_/trainings/light.py']

widths = [16, 32, 64, 96]
model = dict(
    backbone=dict(
        type='FaceBackbone',
        stem_channels=16,
        stem_kernel=3,
        out_channels=widths,
        stages=[['basic3'], ['basic3', 'basic3'], ['basic3', 'basic3e50'], ['basic3']],
    ),
    neck=dict(
        type='AttentionFPN',
        in_channels=widths,
        merges=['p5 = c5 + c4', 'p4 = c4 + p5', 'p3 = c3 + p4'],
        channels=24,
        receptive='smooth',
        start_level=1,
    ),
    bbox_head=dict(in_channels=24, stacked_convs=0, norm_cfg=None),
)
