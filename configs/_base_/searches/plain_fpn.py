# The paper's searches for the backbone alone: the pyramid keeps the topology of a plain FPN.
_base_ = './paper.py'

search = dict(
    freeze=dict(
        fpn=['p6 = c6 + c7', 'p5 = c5 + p6', 'p4 = c4 + p5', 'p3 = c3 + p4', 'p2 = c2 + p3']
    ),
)
