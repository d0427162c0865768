# The supernet of the paper: every backbone of figure 2, every topology of figure 3.
_base_ = './face_detector.py'

model = dict(
    backbone=dict(type='SearchableFaceBackbone'),
    neck=dict(type='SearchableAttentionFPN', in_channels=[256, 256, 512, 512, 512, 256]),
)
# One path is used in each step, and processes agree on it.
model_wrapper_cfg = dict(type='PathDataParallel')
