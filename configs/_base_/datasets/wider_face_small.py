# WIDER layout on small canvases, for two CPU cores.
_base_ = './wider_face.py'
from mmbfbox.utils.named_steps import change_steps

canvas = 192
score_size = (canvas, canvas)
train_pipeline = change_steps(
    _base_.train_pipeline,
    DataAnchorSampling=dict(canvas=canvas, anchors=(16, 32, 64, 128), small_faces='ignore'),
)
letterbox_pipeline = change_steps(
    _base_.letterbox_pipeline, Resize=dict(scale=score_size), Pad=dict(size=score_size)
)
split = dict(held_out=80, recalibration=64)

train_dataloader = dict(
    batch_size=16, num_workers=2, dataset=dict(pipeline=train_pipeline, **split)
)
held_out_dataloader = dict(
    batch_size=16, num_workers=0, dataset=dict(pipeline=letterbox_pipeline, **split)
)
recalibration_dataloader = held_out_dataloader
