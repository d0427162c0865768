# The search among light detectors of at most 2.5 G multiply-adds at VGA, SCRFD-2.5GF's class.
_base_ = ['./bfbox_supernet_light-2.5g_wider_face.py', '../../_base_/searches/light.py']

search = dict(
    constraints=dict(detector_macs=dict(max=2.53e9)),
    finalists=dict(baseline='light/2.5g/retinanet_r18_fpn_light-2.5g_wider_face.py'),
)
