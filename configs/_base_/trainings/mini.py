# Training on wider_mini, 994 + 303 real WIDER FACE images, from scratch.
# Everything is scored at VGA scale (long side 640).
_base_ = ['../datasets/wider_face_small.py', '../schedules/adamw_short.py', '../default_runtime.py']

score_size = (640, 640)
letterbox_pipeline = _base_.letterbox_pipeline
letterbox_pipeline[1].update(scale=score_size)
letterbox_pipeline[2].update(size=score_size)

train_dataloader = dict(dataset=dict(part=None))
held_out_dataloader = dict(batch_size=4, dataset=dict(pipeline=letterbox_pipeline))
recalibration_dataloader = held_out_dataloader
val_dataloader = dict(batch_size=4, dataset=dict(pipeline=letterbox_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_iters=700)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=650, end=700)
default_hooks = dict(checkpoint=dict(interval=200, max_keep_ckpts=2))
custom_hooks = [dict(type='ChannelsLastHook'), *_base_.custom_hooks]
