# Table 1, ResNet-50 + FEM, which stands behind an LFPN; also in table 6.
_base_ = './retinanet_r50_lfpn_wider_face.py'

model = dict(
    neck=[_base_.model.neck, dict(type='FEM', channels=256)],
    bbox_head=dict(in_channels=512),
)
