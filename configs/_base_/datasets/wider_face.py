# WIDER FACE at 640x640, from its official archives unpacked into data_root:
#   WIDER_train/images  WIDER_val/images  wider_face_split/*.txt  ground_truth/*.mat
dataset_type = 'WiderFaceDataset'
data_root = 'data/WIDERFace/'
canvas = 640
pixel_mean = (103.53, 116.28, 123.675)  # BGR

train_files = dict(
    type=dataset_type,
    data_root=data_root,
    ann_file='wider_face_split/wider_face_train_bbx_gt.txt',
    data_prefix=dict(img='WIDER_train/images'),
    held_out=200,
    recalibration=500,
    split_seed=0,
)
val_files = dict(
    type=dataset_type,
    data_root=data_root,
    ann_file='wider_face_split/wider_face_val_bbx_gt.txt',
    data_prefix=dict(img='WIDER_val/images'),
)

train_pipeline = [
    # Decoded when it is known what will be seen of it; one that the decoder complains about is skipped.
    dict(type='LoadFaceImage', decode=False, strict=True),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='FacePhotometricDistortion'),
    dict(
        type='DataAnchorSampling',
        canvas=canvas,
        anchors=(16, 32, 64, 128, 256, 512),
        preset='paper',
        min_size=8,
        small_faces='drop',
        mean=pixel_mean,
    ),
    dict(type='DecodeFaceImage'),
    dict(type='RandomFlip', prob=0.5),
    dict(
        type='PackDetInputs',
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
    ),
]
pack_test = dict(
    type='PackDetInputs',
    meta_keys=(
        'img_id',
        'img_path',
        'ori_shape',
        'img_shape',
        'scale_factor',
        'gt_boxes',
        'gt_valid',
    ),
)
test_pipeline = [dict(type='LoadFaceImage'), pack_test]
# The whole image on a canvas of fixed size: images of different shapes fit into one batch.
letterbox_pipeline = [
    dict(type='LoadFaceImage'),
    dict(type='Resize', scale=(canvas, canvas), keep_ratio=True),
    dict(type='Pad', size=(canvas, canvas), pad_val=dict(img=pixel_mean)),
    pack_test,
]

# part=None trains on the held-out images, too, once nothing is chosen by them any more.
train_dataloader = dict(
    batch_size=7,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type='ResumableSampler', shuffle=True),
    dataset=dict(part='train', pipeline=train_pipeline, **train_files),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(test_mode=True, pipeline=test_pipeline, **val_files),
)
test_dataloader = val_dataloader

# What a search scores candidates on, and what it recalibrates their BN with.
held_out_dataloader = dict(
    batch_size=20,
    num_workers=2,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(part='held_out', test_mode=True, pipeline=letterbox_pipeline, **train_files),
)
recalibration_dataloader = dict(
    batch_size=20,
    num_workers=2,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(part='recalibration', test_mode=True, pipeline=letterbox_pipeline, **train_files),
)

val_evaluator = dict(type='WiderFaceMetric', ground_truth=data_root + 'ground_truth')
test_evaluator = val_evaluator
