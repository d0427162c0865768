# The demo's baseline: a narrow ResNet-18 with mmdet's FPN, under the same settings.
_base_ = './final.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=8,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    neck=dict(_delete_=True, type='FPN', in_channels=[8, 16, 32, 64], out_channels=28, num_outs=4),
    bbox_head=dict(in_channels=28),
)
