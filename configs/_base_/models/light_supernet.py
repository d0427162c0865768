# The supernets of the light families: a stem of two 3x3 convolutions, dense and depthwise blocks in several
# widths, stages as deep as a search wants them (skip), a pyramid from stride 8. Widths and depths are those
# of the config that inherits it.
_base_ = './light_detector.py'

model = dict(
    backbone=dict(
        type='SearchableFaceBackbone',
        stem_kernel=3,
        stem_down='conv',
        shallow_choices=['basic3', 'basic3e50', 'dw3e100', 'dw5e100', 'skip'],
        deep_choices=['basic3', 'basic3e50', 'conv3e50', 'dw3e150', 'dw5e150', 'skip'],
    ),
    neck=dict(
        type='SearchableAttentionFPN',
        start_level=1,
        targets=[3, 4, 5],
        receptive='smooth',
        norm_cfg=_base_.norm,
    ),
)
# One path is used in each step, and processes agree on it.
model_wrapper_cfg = dict(type='PathDataParallel')
