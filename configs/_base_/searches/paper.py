# How much the paper's searches do: 10,000 candidates at the size of training.
_base_ = './default.py'

search = dict(candidates=10000, size=(640, 640), best=20)
