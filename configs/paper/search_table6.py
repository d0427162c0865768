# Table 6, ResNet-50 + Ours: the search for the pyramid in the supernet that has one backbone.
_base_ = ['./table6_resnet50_ours.py', '../_base_/search.py']

search = dict(candidates=10000, size=(640, 640), best=20)
