# The demo's baseline: RetinaNet with a narrow ResNet-18, under the same settings.
_base_ = ['../_base_/models/retinanet_r18_fpn_tiny.py', '../_base_/trainings/demo.py']
