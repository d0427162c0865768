# How a network is trained from scratch on wider_mini, 994 + 303 real WIDER FACE images.
# Everything is scored at VGA scale (long side 640).
_base_ = ['../datasets/wider_face_small.py', '../schedules/adamw_short.py', '../default_runtime.py']
from mmbfbox.utils.named_steps import change_steps

score_size = (640, 640)
letterbox_pipeline = change_steps(
    _base_.letterbox_pipeline, Resize=dict(scale=score_size), Pad=dict(size=score_size)
)

train_dataloader = dict(dataset=dict(part=None))
held_out_dataloader = dict(batch_size=4, dataset=dict(pipeline=letterbox_pipeline))
recalibration_dataloader = held_out_dataloader
val_dataloader = dict(batch_size=4, dataset=dict(pipeline=letterbox_pipeline))
test_dataloader = val_dataloader

train_cfg = dict(max_iters=700)
param_scheduler = change_steps(_base_.param_scheduler, CosineAnnealingLR=dict(T_max=650, end=700))
default_hooks = dict(checkpoint=dict(interval=200, max_keep_ckpts=2))
custom_hooks = [dict(type='ChannelsLastHook'), *_base_.custom_hooks]
