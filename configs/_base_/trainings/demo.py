# How the demo trains a network from scratch: three minutes on two cores.
_base_ = ['../datasets/wider_face_small.py', '../schedules/adamw_short.py', '../default_runtime.py']
from mmbfbox.utils.named_steps import apply_at_random

# Three minutes are too short to learn from strongly augmented images alone, so most are seen as they are.
train_pipeline = apply_at_random(
    _base_.train_pipeline, FacePhotometricDistortion=0.3, DataAnchorSampling=0.1
)
train_dataloader = dict(dataset=dict(part=None, pipeline=train_pipeline))
default_hooks = dict(checkpoint=dict(interval=200, max_keep_ckpts=2))
custom_hooks = [dict(type='ChannelsLastHook'), *_base_.custom_hooks]
