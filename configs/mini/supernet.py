# The supernet of the chain on wider_mini.
_base_ = './final.py'

train_dataloader = dict(dataset=dict(part='train'))
custom_hooks = [dict(type='PathSamplingHook', seed=0), *_base_.custom_hooks]
val_cfg = None
val_dataloader = None
val_evaluator = None
final_config = 'mini/final.py'
model_wrapper_cfg = dict(type='PathDataParallel')
# After training: the cheapest, the dearest and a few random subnets are scored.
supernet_check = dict(random=2, seed=0)
