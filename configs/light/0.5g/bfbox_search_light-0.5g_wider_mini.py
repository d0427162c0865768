# The search of the chain on wider_mini: medium AP on 200 held-out training images, then finalists.
_base_ = ['./bfbox_supernet_light-0.5g_wider_mini.py', '../../_base_/searches/light-0.5g.py']

search = dict(
    candidates=40,
    finalists=dict(baseline='light/0.5g/retinanet_r18_fpn_light-0.5g_wider_mini.py'),
)
