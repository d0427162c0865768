# The demo's supernet.
_base_ = ['../_base_/models/bfbox_supernet_tiny.py', '../_base_/trainings/demo.py']
from mmbfbox.utils.named_steps import change_steps

train_cfg = dict(max_iters=500)
param_scheduler = change_steps(_base_.param_scheduler, CosineAnnealingLR=dict(T_max=450, end=500))
train_dataloader = dict(dataset=dict(part='train'))
custom_hooks = [dict(type='PathSamplingHook', seed=0), *_base_.custom_hooks]
val_cfg = None
val_dataloader = None
val_evaluator = None
final_config = 'demo/bfbox_subnet_demo.py'
# After training: the cheapest, the most expensive and a few random subnets are scored.
supernet_check = dict(random=2, seed=0)
