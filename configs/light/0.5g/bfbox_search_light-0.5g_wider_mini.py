# The search of the chain on wider_mini: medium AP on 200 held-out training images, then finalists. Trainings
# of minutes are too short for rungs (docs/search.md), so the best are trained whole, the better ones with
# further seeds.
_base_ = ['./bfbox_supernet_light-0.5g_wider_mini.py', '../../_base_/searches/light.py']

search = dict(
    candidates=40,
    constraints=dict(detector_macs=dict(max=5.08e8)),
    finalists=dict(
        best=4,
        controls=0,
        baseline='light/0.5g/retinanet_r18_fpn_light-0.5g_wider_mini.py',
        rungs=[1],
        keep=[],
        repeats=[2, 2],
        stored_gigabytes=4,
        at_once=2,
    ),
)
