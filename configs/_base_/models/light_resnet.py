# The baselines of the light families: mmdet's ResNet and FPN from stride 8, as wide as the config that
# inherits it says, and the head of the light detectors.
_base_ = './light_detector.py'

model = dict(
    backbone=dict(
        type='ResNet',
        depth=18,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    neck=dict(type='FPN', start_level=1, num_outs=3, norm_cfg=_base_.norm),
)
