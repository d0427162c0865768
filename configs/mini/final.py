# wider_mini: 994 + 303 real WIDER FACE images; about an hour for the whole chain on two cores.
# Everything is scored at VGA scale (long side 640).
_base_ = '../demo/final.py'

score_size = (640, 640)
letterbox_pipeline = _base_.letterbox_pipeline
letterbox_pipeline[1].update(scale=score_size)
letterbox_pipeline[2].update(size=score_size)
train_pipeline = _base_.train_pipeline
train_pipeline[3].update(canvas=256)

train_dataloader = dict(
    dataset=dict(pipeline=train_pipeline, held_out=100, recalibration=64)
)
held_out_dataloader = dict(
    batch_size=4, dataset=dict(pipeline=letterbox_pipeline, held_out=100, recalibration=64)
)
recalibration_dataloader = held_out_dataloader
val_dataloader = dict(batch_size=4, dataset=dict(pipeline=letterbox_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_iters=1600)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=1550, end=1600)
