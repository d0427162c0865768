# The first part of the packaged detector's training: the searched network, on the training images of
# wider_mini and on wider_extra (980 more), 512,000 crops, 23 times as many as in the recommended one.
_base_ = './bfbox_searched_light-0.5g_wider_mini.py'
from mmbfbox.utils.named_steps import change_steps

extra_root = 'data/wider_extra/'
mini = _base_.train_dataloader.dataset
train_dataloader = dict(
    batch_size=32,
    dataset=dict(
        _delete_=True, type='ConcatDataset', datasets=[mini, dict(mini, data_root=extra_root)]
    ),
)
iterations, warm_up = 16000, 200
train_cfg = dict(max_iters=iterations, val_interval=4000)
param_scheduler = change_steps(
    _base_.param_scheduler,
    LinearLR=dict(end=warm_up),
    CosineAnnealingLR=dict(begin=warm_up, T_max=iterations - warm_up, end=iterations),
)
default_hooks = dict(checkpoint=dict(interval=500))
