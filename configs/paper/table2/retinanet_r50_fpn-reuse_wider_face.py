# Table 2: level p2 of ResNet-50 + FPN detects on the map of p3, enlarged. The other cells of the table:
#   --cfg-options model.neck.1.source=6 model.neck.1.target=4
_base_ = '../retinanet_r50_fpn_wider_face.py'

model = dict(neck=[_base_.model.neck, dict(type='ReuseLevel', source=3, target=2)])
