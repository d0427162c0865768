# The demo's supernet.
_base_ = './final.py'

train_cfg = dict(max_iters=500)
param_scheduler = _base_.param_scheduler
param_scheduler[1].update(T_max=450, end=500)
train_dataloader = dict(dataset=dict(part='train'))
custom_hooks = [dict(type='PathSamplingHook', seed=0), *_base_.custom_hooks]
val_cfg = None
val_dataloader = None
val_evaluator = None
final_config = 'demo/final.py'
model_wrapper_cfg = dict(type='PathDataParallel')
# After training: the cheapest, the dearest and a few random subnets are scored.
supernet_check = dict(random=2, seed=0)
