# What every detector of the project has in common: how images come in, the head on p2..p7, which anchors
# are faces, and what is left after NMS. Backbone and neck are those of the config that inherits it.
model = dict(
    type='RetinaNet',
    data_preprocessor=dict(
        type='FaceDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
        pad_size_divisor=128,
    ),
    bbox_head=dict(
        type='PerLevelRetinaHead',
        num_classes=1,
        in_channels=256,
        anchor_generator=dict(
            type='AnchorGenerator',
            octave_base_scale=4,
            scales_per_octave=1,
            ratios=[1.0],
            strides=[4, 8, 16, 32, 64, 128],
            center_offset=0.5,
        ),
        bbox_coder=dict(type='DeltaXYWHBBoxCoder', target_means=[0.0] * 4, target_stds=[1.0] * 4),
        loss_cls=dict(type='FocalLoss', use_sigmoid=True, gamma=2.0, alpha=0.25, loss_weight=1.0),
        loss_bbox=dict(type='SmoothL1Loss', beta=1.0 / 9.0, loss_weight=2.0),
    ),
    train_cfg=dict(
        assigner=dict(type='FaceAssigner'),
        sampler=dict(type='PseudoSampler'),
        allowed_border=-1,
        pos_weight=-1,
    ),
    # mmdet's usual 100 boxes an image cost 9 points of hard AP on WIDER FACE.
    test_cfg=dict(
        nms_pre=5000,
        min_bbox_size=0,
        score_thr=0.01,
        nms=dict(type='nms', iou_threshold=0.3),
        max_per_img=750,
    ),
)
