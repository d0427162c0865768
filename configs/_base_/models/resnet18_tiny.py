# A narrow ResNet-18 with mmdet's FPN, as dear as a good tiny architecture.
_base_ = './bfbox_tiny.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNet',
        depth=18,
        stem_channels=16,
        base_channels=10,
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    neck=dict(_delete_=True, type='FPN', in_channels=[10, 20, 40, 80], out_channels=24, num_outs=4),
    bbox_head=dict(in_channels=24),
)
