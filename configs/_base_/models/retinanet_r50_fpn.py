# mmdet's RetinaNet with ResNet-50 and its FPN, widened to p2..p7; head, anchors and assignment are ours.
# Every baseline starts from scratch. For pre-trained weights, whatever the backbone:
#   --cfg-options model.backbone.init_cfg.type=Pretrained model.backbone.init_cfg.checkpoint=FILE
_base_ = './face_detector.py'

model = dict(
    backbone=dict(
        type='ResNet',
        depth=50,
        num_stages=4,
        out_indices=(0, 1, 2, 3),
        norm_cfg=dict(type='BN', requires_grad=True),
        norm_eval=False,
        style='pytorch',
    ),
    neck=dict(
        type='FPN',
        in_channels=[256, 512, 1024, 2048],
        out_channels=256,
        add_extra_convs='on_input',
        num_outs=6,
    ),
)
