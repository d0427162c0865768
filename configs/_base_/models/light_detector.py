# What light detectors have in common: a head that all levels and both branches share, GroupNorm, whose
# statistics are the same in training and in testing, and the losses and anchors of SCRFD: ATSS, quality focal
# loss and DIoU; strides 8, 16 and 32 with two anchors at each place, 16 to 512 pixels. Backbone and neck are
# those of the config that inherits it; a neck of ours starts at stride 8 with start_level=1.
_base_ = './face_detector.py'

norm = dict(type='GN', num_groups=8)
model = dict(
    data_preprocessor=dict(pad_size_divisor=32),
    bbox_head=dict(
        type='SharedFaceHead',
        in_channels=32,
        stacked_convs=2,
        feat_channels=64,
        norm_cfg=norm,
        anchor_generator=dict(
            _delete_=True,
            type='AnchorGenerator',
            scales=[1, 2],
            base_sizes=[16, 64, 256],
            ratios=[1.0],
            strides=[8, 16, 32],
            center_offset=0.5,
        ),
        reg_decoded_bbox=True,
        loss_cls=dict(
            _delete_=True, type='QualityFocalLoss', use_sigmoid=True, beta=2.0, loss_weight=1.0
        ),
        loss_bbox=dict(_delete_=True, type='DIoULoss', loss_weight=2.0),
    ),
    # margin: half the finest stride.
    train_cfg=dict(assigner=dict(_delete_=True, type='FaceATSSAssigner', topk=9, margin=4.0)),
)
