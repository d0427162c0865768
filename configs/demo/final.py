# The demo's final training: the exported architecture from scratch, minutes on two cores.
_base_ = [
    '../_base_/models/bfbox_tiny.py',
    '../_base_/datasets/wider_face_small.py',
    '../_base_/schedules/adamw_short.py',
    '../_base_/default_runtime.py',
]

train_dataloader = dict(dataset=dict(part=None))
default_hooks = dict(checkpoint=dict(interval=200, max_keep_ckpts=1))
custom_hooks = [dict(type='ChannelsLastHook'), *_base_.custom_hooks]
