# The supernet of the chain on wider_mini, which takes twenty minutes in all on two cores.
_base_ = ['../_base_/models/bfbox_supernet_tiny.py', '../_base_/trainings/mini.py']

train_dataloader = dict(dataset=dict(part='train'))
custom_hooks = [dict(type='PathSamplingHook', seed=0), *_base_.custom_hooks]
val_cfg = None
val_dataloader = None
val_evaluator = None
final_config = 'mini/bfbox_subnet_wider_mini.py'
# After training: the cheapest, the most expensive and a few random subnets are scored.
supernet_check = dict(random=2, seed=0)
