custom_hooks = [
    dict(sampling='fair', seed=5, type='PathSamplingHook'),
    dict(type='LossGuardHook'),
]
default_hooks = dict(checkpoint=dict(by_epoch=False, interval=4, type='SafeCheckpointHook'))
default_scope = 'mmdet'
log_level = 'WARNING'
log_processor = dict(by_epoch=False)
model = dict(
    backbone=dict(
        deep_choices=[
            'conv3',
            'dw3',
        ],
        depths=[
            1,
            1,
        ],
        out_channels=[
            8,
            8,
        ],
        shallow_choices=[
            'conv3',
            'dw3',
        ],
        shallow_stages=1,
        stem_channels=4,
        type='SearchableFaceBackbone',
    ),
    bbox_head=dict(
        anchor_generator=dict(
            center_offset=0.5,
            octave_base_scale=4,
            ratios=[
                1.0,
            ],
            scales_per_octave=1,
            strides=[
                4,
                8,
            ],
            type='AnchorGenerator',
        ),
        bbox_coder=dict(
            target_means=[
                0.0,
                0.0,
                0.0,
                0.0,
            ],
            target_stds=[
                1.0,
                1.0,
                1.0,
                1.0,
            ],
            type='DeltaXYWHBBoxCoder',
        ),
        in_channels=8,
        loss_bbox=dict(beta=0.1111111111111111, loss_weight=2.0, type='SmoothL1Loss'),
        loss_cls=dict(alpha=0.25, gamma=2.0, loss_weight=1.0, type='FocalLoss', use_sigmoid=True),
        num_classes=1,
        type='PerLevelRetinaHead',
    ),
    data_preprocessor=dict(
        bgr_to_rgb=True,
        mean=[
            123.675,
            116.28,
            103.53,
        ],
        pad_size_divisor=128,
        std=[
            58.395,
            57.12,
            57.375,
        ],
        type='FaceDataPreprocessor',
    ),
    neck=dict(
        channels=8,
        in_channels=[
            8,
            8,
        ],
        targets=[
            2,
            3,
        ],
        type='SearchableAttentionFPN',
    ),
    test_cfg=dict(
        max_per_img=750,
        min_bbox_size=0,
        nms=dict(iou_threshold=0.3, type='nms'),
        nms_pre=5000,
        score_thr=0.01,
    ),
    train_cfg=dict(
        allowed_border=-1,
        assigner=dict(type='FaceAssigner'),
        pos_weight=-1,
        sampler=dict(type='PseudoSampler'),
    ),
    type='RetinaNet',
)
optim_wrapper = dict(
    clip_grad=dict(max_norm=35),
    optimizer=dict(lr=0.01, momentum=0.9, type='SGD', weight_decay=0.0005),
)
param_scheduler = dict(by_epoch=False, end=6, start_factor=0.5, type='LinearLR')
randomness = dict(seed=3)
train_cfg = dict(max_iters=8, type='ResumableTrainLoop', val_interval=1000000000)
train_dataloader = dict(
    batch_size=2,
    collate_fn=dict(type='pseudo_collate'),
    dataset=dict(type='NoiseWithFaces'),
    num_workers=0,
    sampler=dict(type='ResumableSampler'),
)
