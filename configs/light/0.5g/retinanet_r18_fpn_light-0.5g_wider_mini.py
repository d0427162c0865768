# The baseline of the chain on wider_mini, under the same settings.
_base_ = ['../../_base_/models/light_resnet_0.5g.py', '../../_base_/trainings/light.py']
