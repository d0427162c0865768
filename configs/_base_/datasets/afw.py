# AFW with its long side at 640, as S3FD tests it: new_annotations_AFW.mat and testimages below data_root.
_base_ = './fddb.py'
from mmbfbox.utils.named_steps import insert_after

data_root = 'data/AFW/'
test_pipeline = insert_after(
    _base_.test_dataloader.dataset.pipeline,
    'LoadFaceImage',
    dict(type='Resize', scale=(640, 640), keep_ratio=True),
)
test_dataloader = dict(dataset=dict(benchmark='afw', data_root=data_root, pipeline=test_pipeline))
test_evaluator = dict(_delete_=True, type='FaceEvalMetric', benchmark='afw', ground_truth=data_root)
