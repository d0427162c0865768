# The search among light detectors of at most 10 G multiply-adds at VGA, SCRFD-10GF's class.
_base_ = ['./bfbox_supernet_light-10g_wider_face.py', '../../_base_/searches/light.py']

search = dict(
    constraints=dict(detector_macs=dict(max=9.98e9)),
    finalists=dict(baseline='light/10g/retinanet_r34_fpn_light-10g_wider_face.py'),
)
