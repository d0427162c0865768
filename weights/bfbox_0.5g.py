canvas = 192
custom_hooks = [
    dict(type='ChannelsLastHook'),
    dict(type='SkippedImagesHook'),
    dict(type='LossGuardHook'),
    dict(type='WatchHook'),
    dict(type='SamplePredictionsHook'),
    dict(type='CloseWorkersHook'),
]
custom_imports = dict(
    allow_failed_imports=False,
    imports=[
        'mmbfbox.models',
        'mmbfbox.datasets',
        'mmbfbox.evaluation.metrics',
        'mmbfbox.engine',
        'mmbfbox.inference',
    ],
)
data_root = 'data/WIDER/'
dataset_type = 'WiderFaceDataset'
default_hooks = dict(
    checkpoint=dict(by_epoch=False, interval=500, max_keep_ckpts=2, type='SafeCheckpointHook'),
    logger=dict(interval=50, type='LoggerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    runtime_info=dict(type='DeferredInfoHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    timer=dict(type='IterTimerHook'),
    visualization=dict(type='DetVisualizationHook'),
)
default_scope = 'mmdet'
env_cfg = dict(
    cudnn_benchmark=False,
    dist_cfg=dict(backend='nccl'),
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
)
extra_root = 'local'
files = dict(
    ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
    data_prefix=dict(img='WIDER_train/images'),
    data_root='data/WIDERFace/',
    held_out=80,
    part=None,
    pipeline=[
        dict(decode=False, strict=True, type='LoadFaceImage'),
        dict(type='LoadAnnotations', with_bbox=True),
        dict(type='FacePhotometricDistortion'),
        dict(
            anchors=(
                16,
                32,
                64,
                128,
            ),
            canvas=192,
            mean=(
                103.53,
                116.28,
                123.675,
            ),
            min_size=5,
            preset='paper',
            prob=0.0,
            small_faces='ignore',
            type='DataAnchorSampling',
        ),
        dict(type='DecodeFaceImage'),
        dict(prob=0.5, type='RandomFlip'),
        dict(
            meta_keys=(
                'img_id',
                'img_path',
                'ori_shape',
                'img_shape',
                'scale_factor',
                'flip',
                'flip_direction',
                'skipped',
            ),
            type='PackDetInputs',
        ),
    ],
    recalibration=64,
    split_seed=0,
    type='WiderFaceDataset',
)
held_out_dataloader = None
letterbox_pipeline = [
    dict(type='LoadFaceImage'),
    dict(
        keep_ratio=True,
        scale=(
            640,
            640,
        ),
        type='Resize',
    ),
    dict(
        pad_val=dict(
            img=(
                103.53,
                116.28,
                123.675,
            )
        ),
        size=(
            640,
            640,
        ),
        type='Pad',
    ),
    dict(
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'gt_boxes',
            'gt_valid',
        ),
        type='PackDetInputs',
    ),
]
log_level = 'INFO'
log_processor = dict(by_epoch=False, type='LogProcessor', window_size=50)
model = dict(
    backbone=dict(
        out_channels=[
            16,
            32,
            64,
            96,
        ],
        stages=[
            [
                'basic3',
            ],
            [
                'basic3',
                'basic3',
            ],
            [
                'basic3',
                'basic3e50',
            ],
            [
                'basic3',
            ],
        ],
        stem_channels=16,
        stem_kernel=3,
        type='FaceBackbone',
    ),
    bbox_head=dict(
        anchor_generator=dict(
            base_sizes=[
                16,
                64,
                256,
            ],
            center_offset=0.5,
            ratios=[
                1.0,
            ],
            scales=[
                1,
                2,
            ],
            strides=[
                8,
                16,
                32,
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
        feat_channels=64,
        in_channels=24,
        loss_bbox=dict(loss_weight=2.0, type='DIoULoss'),
        loss_cls=dict(beta=2.0, loss_weight=1.0, type='QualityFocalLoss', use_sigmoid=True),
        norm_cfg=None,
        num_classes=1,
        reg_decoded_bbox=True,
        stacked_convs=0,
        test_cfg=dict(
            max_per_img=750,
            min_bbox_size=0,
            nms=dict(iou_threshold=0.3, type='nms'),
            nms_pre=5000,
            score_thr=0.01,
        ),
        train_cfg=dict(
            allowed_border=-1,
            assigner=dict(margin=4.0, topk=9, type='FaceATSSAssigner'),
            pos_weight=-1,
            sampler=dict(type='PseudoSampler'),
        ),
        type='SharedFaceHead',
    ),
    data_preprocessor=dict(
        bgr_to_rgb=True,
        mean=[
            123.675,
            116.28,
            103.53,
        ],
        pad_size_divisor=32,
        std=[
            58.395,
            57.12,
            57.375,
        ],
        type='FaceDataPreprocessor',
    ),
    neck=dict(
        channels=24,
        in_channels=[
            16,
            32,
            64,
            96,
        ],
        merges=[
            'p5 = c5 + c4',
            'p4 = c4 + p5',
            'p3 = c3 + p4',
        ],
        receptive='smooth',
        start_level=1,
        type='AttentionFPN',
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
        assigner=dict(margin=4.0, topk=9, type='FaceATSSAssigner'),
        pos_weight=-1,
        sampler=dict(type='PseudoSampler'),
    ),
    type='RetinaNet',
)
norm = dict(num_groups=8, type='GN')
optim_wrapper = dict(
    clip_grad=dict(max_norm=10),
    optimizer=dict(lr=0.002, type='AdamW', weight_decay=0.001),
    type='BFloat16OptimWrapper',
)
pack_test = dict(
    meta_keys=(
        'img_id',
        'img_path',
        'ori_shape',
        'img_shape',
        'scale_factor',
        'gt_boxes',
        'gt_valid',
    ),
    type='PackDetInputs',
)
param_scheduler = [
    dict(begin=0, by_epoch=False, end=200, start_factor=0.01, type='LinearLR'),
    dict(
        T_max=35800, begin=200, by_epoch=False, end=36000, eta_min=1e-05, type='CosineAnnealingLR'
    ),
]
pixel_mean = (
    103.53,
    116.28,
    123.675,
)
recalibration_dataloader = None
score_size = (
    640,
    640,
)
split = dict(held_out=80, recalibration=64)
steps = 36000
test_cfg = dict(type='TestLoop')
test_dataloader = dict(
    batch_size=4,
    dataset=dict(
        ann_file='wider_face_split/wider_face_val_bbx_gt.txt',
        data_prefix=dict(img='WIDER_val/images'),
        data_root='data/WIDER/',
        pipeline=[
            dict(color_type='color_ignore_orientation', type='LoadImageFromFile'),
            dict(
                keep_ratio=True,
                scale=(
                    640,
                    640,
                ),
                type='Resize',
            ),
            dict(
                pad_val=dict(
                    img=(
                        103.53,
                        116.28,
                        123.675,
                    )
                ),
                size=(
                    640,
                    640,
                ),
                type='Pad',
            ),
            dict(
                meta_keys=(
                    'img_id',
                    'img_path',
                    'ori_shape',
                    'img_shape',
                    'scale_factor',
                    'gt_boxes',
                    'gt_valid',
                ),
                type='PackDetInputs',
            ),
        ],
        test_mode=True,
        type='WiderFaceDataset',
    ),
    drop_last=False,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(shuffle=False, type='DefaultSampler'),
    timeout=300,
)
test_evaluator = dict(ground_truth='data/WIDER/ground_truth', type='WiderFaceMetric')
test_pipeline = [
    dict(type='LoadFaceImage'),
    dict(
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'gt_boxes',
            'gt_valid',
        ),
        type='PackDetInputs',
    ),
]
train_cfg = dict(max_iters=36000, type='ResumableTrainLoop', val_interval=6000)
train_dataloader = dict(
    batch_size=16,
    dataset=dict(
        datasets=[
            dict(
                ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
                data_prefix=dict(img='WIDER_train/images'),
                data_root='data/WIDER/',
                held_out=80,
                part=None,
                pipeline=[
                    dict(decode=False, strict=True, type='LoadFaceImage'),
                    dict(type='LoadAnnotations', with_bbox=True),
                    dict(type='FacePhotometricDistortion'),
                    dict(
                        anchors=(
                            16,
                            32,
                            64,
                            128,
                        ),
                        canvas=192,
                        mean=(
                            103.53,
                            116.28,
                            123.675,
                        ),
                        min_size=5,
                        preset='paper',
                        prob=0.0,
                        small_faces='ignore',
                        type='DataAnchorSampling',
                    ),
                    dict(type='DecodeFaceImage'),
                    dict(prob=0.5, type='RandomFlip'),
                    dict(
                        meta_keys=(
                            'img_id',
                            'img_path',
                            'ori_shape',
                            'img_shape',
                            'scale_factor',
                            'flip',
                            'flip_direction',
                            'skipped',
                        ),
                        type='PackDetInputs',
                    ),
                ],
                recalibration=64,
                split_seed=0,
                type='WiderFaceDataset',
            ),
            dict(
                ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
                data_prefix=dict(img='WIDER_train/images'),
                data_root='local',
                held_out=80,
                part=None,
                pipeline=[
                    dict(decode=False, strict=True, type='LoadFaceImage'),
                    dict(type='LoadAnnotations', with_bbox=True),
                    dict(type='FacePhotometricDistortion'),
                    dict(
                        anchors=(
                            16,
                            32,
                            64,
                            128,
                        ),
                        canvas=192,
                        mean=(
                            103.53,
                            116.28,
                            123.675,
                        ),
                        min_size=5,
                        preset='paper',
                        prob=0.0,
                        small_faces='ignore',
                        type='DataAnchorSampling',
                    ),
                    dict(type='DecodeFaceImage'),
                    dict(prob=0.5, type='RandomFlip'),
                    dict(
                        meta_keys=(
                            'img_id',
                            'img_path',
                            'ori_shape',
                            'img_shape',
                            'scale_factor',
                            'flip',
                            'flip_direction',
                            'skipped',
                        ),
                        type='PackDetInputs',
                    ),
                ],
                recalibration=64,
                split_seed=0,
                type='WiderFaceDataset',
            ),
        ],
        type='ConcatDataset',
    ),
    num_workers=1,
    persistent_workers=True,
    sampler=dict(shuffle=True, type='ResumableSampler'),
    timeout=300,
)
train_files = dict(
    ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
    data_prefix=dict(img='WIDER_train/images'),
    data_root='data/WIDERFace/',
    held_out=200,
    recalibration=500,
    split_seed=0,
    type='WiderFaceDataset',
)
train_pipeline = [
    dict(decode=False, strict=True, type='LoadFaceImage'),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FacePhotometricDistortion'),
    dict(
        anchors=(
            16,
            32,
            64,
            128,
        ),
        canvas=192,
        mean=(
            103.53,
            116.28,
            123.675,
        ),
        min_size=5,
        preset='paper',
        prob=0.0,
        small_faces='ignore',
        type='DataAnchorSampling',
    ),
    dict(type='DecodeFaceImage'),
    dict(prob=0.5, type='RandomFlip'),
    dict(
        meta_keys=(
            'img_id',
            'img_path',
            'ori_shape',
            'img_shape',
            'scale_factor',
            'flip',
            'flip_direction',
            'skipped',
        ),
        type='PackDetInputs',
    ),
]
tta_model = dict(preset='dsfd', type='MultiViewDetector')
val_cfg = dict(type='ValLoop')
val_dataloader = dict(
    batch_size=4,
    dataset=dict(
        ann_file='wider_face_split/wider_face_val_bbx_gt.txt',
        data_prefix=dict(img='WIDER_val/images'),
        data_root='data/WIDER/',
        pipeline=[
            dict(color_type='color_ignore_orientation', type='LoadImageFromFile'),
            dict(
                keep_ratio=True,
                scale=(
                    640,
                    640,
                ),
                type='Resize',
            ),
            dict(
                pad_val=dict(
                    img=(
                        103.53,
                        116.28,
                        123.675,
                    )
                ),
                size=(
                    640,
                    640,
                ),
                type='Pad',
            ),
            dict(
                meta_keys=(
                    'img_id',
                    'img_path',
                    'ori_shape',
                    'img_shape',
                    'scale_factor',
                    'gt_boxes',
                    'gt_valid',
                ),
                type='PackDetInputs',
            ),
        ],
        test_mode=True,
        type='WiderFaceDataset',
    ),
    drop_last=False,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(shuffle=False, type='DefaultSampler'),
    timeout=300,
)
val_evaluator = dict(ground_truth='data/WIDER/ground_truth', type='WiderFaceMetric')
val_files = dict(
    ann_file='wider_face_split/wider_face_val_bbx_gt.txt',
    data_prefix=dict(img='WIDER_val/images'),
    data_root='data/WIDERFace/',
    type='WiderFaceDataset',
)
vis_backends = [
    dict(type='LocalVisBackend'),
    dict(type='OptionalTensorboardVisBackend'),
]
visualizer = dict(
    name='visualizer',
    type='DetLocalVisualizer',
    vis_backends=[
        dict(type='LocalVisBackend'),
        dict(type='OptionalTensorboardVisBackend'),
    ],
)
w = [
    16,
    32,
    64,
    96,
]
