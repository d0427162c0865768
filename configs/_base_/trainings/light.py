# The recommended training of a light network, short: 1,400 steps of 16 crops of 192 pixels on wider_mini.
# What each ingredient is worth: benchmarks/training/ingredients.py.
_base_ = './mini.py'
from mmbfbox.utils.named_steps import change_steps

# AP of few images is noisy: 200 in place of 80. None is held out of the training from scratch.
split = dict(held_out=200, recalibration=64)

# Squares inside the image: no padding, faces at about the scales of a test.
train_pipeline = change_steps(_base_.train_pipeline, DataAnchorSampling=dict(prob=0.0, min_size=5))
train_dataloader = dict(dataset=dict(pipeline=train_pipeline, **split))
held_out_dataloader = dict(dataset=split)
recalibration_dataloader = dict(dataset=split)
train_cfg = dict(max_iters=1400)
optim_wrapper = dict(type='BFloat16OptimWrapper', optimizer=dict(lr=4e-3))
param_scheduler = change_steps(_base_.param_scheduler, CosineAnnealingLR=dict(T_max=1350, end=1400))
custom_hooks = [*_base_.custom_hooks, dict(type='BusyCoresHook')]
