# PASCAL Face, otherwise like AFW: Annotations_Face_PASCALLayout_large_fixed.mat and images below data_root.
_base_ = './afw.py'

data_root = 'data/PASCAL_face/'
test_dataloader = dict(dataset=dict(benchmark='pascal', data_root=data_root))
test_evaluator = dict(benchmark='pascal', ground_truth=data_root)
