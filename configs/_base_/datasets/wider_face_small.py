# WIDER layout on small canvases, for two CPU cores.
_base_ = './wider_face.py'

canvas = 192
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(canvas=canvas, anchors=(16, 32, 64, 128), small_faces='ignore')
score_size = (256, 256)
letterbox_pipeline = _base_.letterbox_pipeline
letterbox_pipeline[1].update(scale=score_size)
letterbox_pipeline[2].update(size=score_size)

train_dataloader = dict(
    batch_size=16, num_workers=2, dataset=dict(pipeline=train_pipeline, held_out=80, recalibration=64)
)
held_out_dataloader = dict(
    batch_size=16,
    num_workers=0,
    dataset=dict(pipeline=letterbox_pipeline, held_out=80, recalibration=64),
)
recalibration_dataloader = held_out_dataloader
