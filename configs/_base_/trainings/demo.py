# The demo's training of a network from scratch: three minutes on two cores.
_base_ = ['../datasets/wider_face_small.py', '../schedules/adamw_short.py', '../default_runtime.py']

# Three minutes are too short to learn from strongly augmented images alone, so most are seen as they are.
train_pipeline = _base_.train_pipeline
train_pipeline[2] = dict(type='RandomApply', prob=0.3, transforms=[train_pipeline[2]])
train_pipeline[3] = dict(type='RandomApply', prob=0.1, transforms=[train_pipeline[3]])
train_dataloader = dict(dataset=dict(part=None, pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=200, max_keep_ckpts=2))
custom_hooks = [dict(type='ChannelsLastHook'), *_base_.custom_hooks]
