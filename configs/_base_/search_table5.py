# What the searches of table 5 have in common: only the backbone, with the wiring of a plain FPN.
_base_ = './search.py'

search = dict(
    candidates=10000,
    size=(640, 640),
    best=20,
    freeze=dict(
        fpn=['p6 = c6 + c7', 'p5 = c5 + p6', 'p4 = c4 + p5', 'p3 = c3 + p4', 'p2 = c2 + p3']
    ),
)
