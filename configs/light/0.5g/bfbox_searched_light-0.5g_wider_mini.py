# A network that the search of this folder found (docs/lab/fidelity.md): second of its finalists, and the
# better one of two that were trained for longer; 0.50 G multiply-adds at VGA, 0.25 M parameters.
_base_ = ['../../_base_/models/light_detector.py', '../../_base_/trainings/light.py']

widths = [16, 32, 64, 96]
model = dict(
    backbone=dict(
        type='FaceBackbone',
        stem_channels=16,
        stem_kernel=3,
        out_channels=widths,
        stages=[
            ['basic3'],
            ['conv3e50', 'basic3', 'basic3e50'],
            ['basic3e150', 'conv3e50', 'basic3e50'],
            ['conv3e50'],
        ],
    ),
    neck=dict(
        type='AttentionFPN',
        in_channels=widths,
        merges=['p5 = c5 + c3', 'p3 = c3 + c5', 'p4 = c4 + c3'],
        channels=24,
        receptive='smooth',
        start_level=1,
        norm_cfg=_base_.norm,
    ),
    bbox_head=dict(in_channels=24, stacked_convs=0, norm_cfg=None),
)
