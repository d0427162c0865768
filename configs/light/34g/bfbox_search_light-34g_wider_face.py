# The search among light detectors of at most 34 G multiply-adds at VGA, SCRFD-34GF's class.
_base_ = ['./bfbox_supernet_light-34g_wider_face.py', '../../_base_/searches/light.py']

search = dict(
    constraints=dict(detector_macs=dict(max=3.413e10)),
    finalists=dict(baseline='light/34g/retinanet_r50_fpn_light-34g_wider_face.py'),
)
