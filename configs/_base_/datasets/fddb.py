# FDDB at original size, for testing: FDDB-folds and originalPics below data_root.
data_root = 'data/FDDB/'

test_dataloader = dict(
    batch_size=1,
    num_workers=2,
    persistent_workers=True,
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(
        type='FaceBenchmarkDataset',
        benchmark='fddb',
        data_root=data_root,
        pipeline=[
            dict(type='LoadFaceImage'),
            dict(
                type='PackDetInputs',
                meta_keys=('img_id', 'img_path', 'ori_shape', 'img_shape', 'scale_factor'),
            ),
        ],
    ),
)
test_evaluator = dict(type='FddbMetric', ground_truth=data_root)
