# The second part of its long training. In crops of 192 pixels it has not seen a large face; here crops have
# 512 pixels, half of them around a face that is scaled to 8 to 1,024 pixels. It begins with the weights of
# the first part: load_from=.../iter_36000.pth.
_base_ = './bfbox_reference_long_light-0.5g_wider_mini.py'
from mmbfbox.utils.named_steps import change_pipelines, change_steps

large = dict(canvas=512, prob=0.5, anchors=(16, 32, 64, 128, 256, 512))
first = _base_.train_dataloader.dataset.datasets
train_dataloader = dict(
    batch_size=2, dataset=dict(datasets=change_pipelines(first, DataAnchorSampling=large))
)
iterations = 16000
train_cfg = dict(max_iters=iterations, val_interval=iterations)
optim_wrapper = dict(optimizer=dict(lr=7e-4))
param_scheduler = change_steps(
    _base_.param_scheduler,
    CosineAnnealingLR=dict(T_max=iterations - _base_.warm_up, end=iterations),
)
