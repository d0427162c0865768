# Step 1: the supernet, 150 k iterations on 4 GPUs x 7 images.
_base_ = ['../_base_/models/bfbox_supernet.py', '../_base_/trainings/paper.py']

train_cfg = dict(max_iters=150000)
train_dataloader = dict(dataset=dict(part='train'))
custom_hooks = [dict(type='PathSamplingHook', seed=0), *_base_.custom_hooks]
# A supernet is not one detector: its paths are scored by the search.
val_cfg = None
val_dataloader = None
val_evaluator = None
# What trains the architectures that are exported from this supernet.
final_config = 'paper/bfbox_subnet_wider_face.py'
# After training: the cheapest, the most expensive and a few random subnets are scored.
supernet_check = dict(random=5, seed=0)
