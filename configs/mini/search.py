# The search of the chain on wider_mini: batch norm on 64 images, AP on 80 held-out training images.
_base_ = ['./supernet.py', '../_base_/search.py']

search = dict(
    candidates=16,
    size=_base_.score_size,
    # No dearer than the baseline.
    limits=dict(detector_macs=dict(max=8.2e8)),
)
