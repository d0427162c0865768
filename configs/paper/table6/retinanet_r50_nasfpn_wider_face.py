# Table 6, ResNet-50 + NAS-FPN on p2..p6; p7 is the lateral of c7.
_base_ = '../table1/retinanet_r50_lfpn_wider_face.py'

model = dict(
    neck=dict(
        _delete_=True,
        type='FaceNASFPN',
        in_channels=_base_.model.neck.in_channels,
        repeats=7,
    ),
)
