# The search of the chain on wider_mini: batch norm on 64 images, AP on 80 held-out training images.
_base_ = ['./bfbox_supernet_wider_mini.py', '../_base_/searches/default.py']

search = dict(
    candidates=16,
    size=_base_.score_size,
    # No more expensive than the baseline.
    constraints=dict(detector_macs=dict(max=8.2e8)),
)
