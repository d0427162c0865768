# The search of the chain on wider_mini: medium AP on 200 held-out training images, then finalists.
_base_ = ['./bfbox_supernet_light-0.5g_wider_mini.py', '../../_base_/searches/light.py']

search = dict(
    candidates=40,
    constraints=dict(detector_macs=dict(max=5.08e8)),
    finalists=dict(baseline='light/0.5g/retinanet_r18_fpn_light-0.5g_wider_mini.py'),
)
