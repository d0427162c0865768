# The demo's search: batch norm on 64 images, AP on 80 images that are held out of training.
_base_ = ['./bfbox_supernet_demo.py', '../_base_/searches/default.py']

search = dict(
    candidates=24,
    size=_base_.score_size,
    # No more expensive than the baseline.
    constraints=dict(detector_macs=dict(max=7.4e7)),
)
