# The demo's search: batch norm on 64 images, AP on 80 images that are held out of training.
_base_ = './supernet.py'

search = dict(
    candidates=24,
    seed=0,
    metric='hard',
    size=_base_.score_size,
    # No dearer than the baseline.
    limits=dict(detector_macs=dict(max=7.4e7)),
    best=10,
)
held_out_evaluator = dict(type='WiderFaceMetric')
