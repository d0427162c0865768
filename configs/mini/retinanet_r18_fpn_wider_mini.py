# The baseline of the chain on wider_mini, under the same settings.
_base_ = ['../_base_/models/retinanet_r18_fpn_tiny.py', '../_base_/trainings/mini.py']
