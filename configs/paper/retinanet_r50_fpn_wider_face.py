# The baseline: mmdet's RetinaNet-R50-FPN (p2..p7) on WIDER FACE, from scratch, under the same settings.
_base_ = ['../_base_/models/retinanet_r50_fpn.py', '../_base_/trainings/paper.py']
