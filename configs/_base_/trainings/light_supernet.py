# How supernets of light networks are trained: one path a step, without the images that a search scores on.
_base_ = './light.py'

train_dataloader = dict(dataset=dict(part='train'))
custom_hooks = [dict(type='PathSamplingHook', seed=0), *_base_.custom_hooks]
val_cfg = None
val_dataloader = None
val_evaluator = None
# After training: the cheapest, the most expensive and a few random subnets are scored.
supernet_check = dict(random=2, seed=0)
