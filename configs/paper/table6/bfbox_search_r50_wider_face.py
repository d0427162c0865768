# Table 6, ResNet-50 + Ours: the search for the pyramid in the supernet that has one backbone.
_base_ = ['./bfbox_supernet_r50_wider_face.py', '../../_base_/searches/paper.py']
