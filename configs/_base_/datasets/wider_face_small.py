# WIDER layout on small canvases, for two CPU cores.
_base_ = './wider_face.py'

canvas = 192
score_size = (canvas, canvas)
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(canvas=canvas, anchors=(16, 32, 64, 128), small_faces='ignore')
letterbox_pipeline = _base_.letterbox_pipeline
letterbox_pipeline[1].update(scale=score_size)
letterbox_pipeline[2].update(size=score_size)
split = dict(held_out=80, recalibration=64)

train_dataloader = dict(
    batch_size=16, num_workers=2, dataset=dict(pipeline=train_pipeline, **split)
)
held_out_dataloader = dict(
    batch_size=16, num_workers=0, dataset=dict(pipeline=letterbox_pipeline, **split)
)
recalibration_dataloader = held_out_dataloader
