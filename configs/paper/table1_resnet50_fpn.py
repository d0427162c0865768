# Table 1, ResNet-50 + FPN; also in tables 3, 6 and 9. Table 2 tests its levels one by one.
_base_ = './retinanet_r50.py'
