# The search among light detectors of at most 0.5 G multiply-adds at VGA, SCRFD-0.5GF's class.
_base_ = ['./bfbox_supernet_light-0.5g_wider_face.py', '../../_base_/searches/light.py']

search = dict(
    constraints=dict(detector_macs=dict(max=5.08e8)),
    finalists=dict(baseline='light/0.5g/retinanet_r18_fpn_light-0.5g_wider_face.py'),
)
