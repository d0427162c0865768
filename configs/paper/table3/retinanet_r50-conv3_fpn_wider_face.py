# Table 3, convolution 3x3: ResNet-50 written as choices, so that the blocks of conv2 and conv3 can be
# exchanged. (The row repeats the 87.8 and 87.6 of table 1's ResNet-50.)
_base_ = '../retinanet_r50_fpn_wider_face.py'

deep = [['conv3'] * 6, ['conv3'] * 3]
model = dict(
    backbone=dict(
        _delete_=True,
        type='FaceBackbone',
        stages=[['conv3'] * 3, ['conv3'] * 4, *deep],
        out_channels=[256, 512, 1024, 2048],
    ),
)
