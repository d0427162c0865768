# The reference network trained for longer, on the training images of wider_mini and on wider_extra (980
# more), 26 times as long as the recommended short training: what the searched one is measured beside.
_base_ = './bfbox_reference_light-0.5g_wider_mini.py'
from mmbfbox.utils.named_steps import change_steps

extra_root = 'data/wider_extra/'
mini = _base_.train_dataloader.dataset
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type='ConcatDataset', datasets=[mini, dict(mini, data_root=extra_root)]
    )
)
iterations, warm_up = 36000, 200
train_cfg = dict(max_iters=iterations, val_interval=6000)
optim_wrapper = dict(optimizer=dict(lr=2e-3))
param_scheduler = change_steps(
    _base_.param_scheduler,
    LinearLR=dict(end=warm_up),
    CosineAnnealingLR=dict(begin=warm_up, T_max=iterations - warm_up, end=iterations),
)
default_hooks = dict(checkpoint=dict(interval=500))
