# Table 1, ResNet-50 + "IFPN"; also in table 6. The first author's own variant is fusion='sum'.
_base_ = '../retinanet_r50_fpn_wider_face.py'

model = dict(
    # c6 and c7, which mmdet's FPN makes itself.
    backbone=dict(
        _delete_=True,
        type='ExtraLevels',
        backbone=_base_.model.backbone,
        in_channels=2048,
    ),
    neck=dict(
        _delete_=True,
        type='LFPN',
        in_channels=[256, 512, 1024, 2048, 512, 256],
        fusion='product',
    ),
)
