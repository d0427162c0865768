# The baseline of light detectors of 0.5 G multiply-adds at VGA: as expensive, under the same settings.
_base_ = ['../../_base_/models/light_resnet_0.5g.py', '../../_base_/trainings/recommended.py']
