# The recommended schedule beside the paper: ten times its learning rate, warmed up, a cosine to the end.
# SCRFD, YuNet and ScratchDet train from scratch like this (docs/training.md).
_base_ = './sgd.py'

iterations, warm_up = 160000, 3000
train_cfg = dict(max_iters=iterations)
optim_wrapper = dict(
    optimizer=dict(lr=1e-2, weight_decay=1e-4),
    # Norms and biases do not decay.
    paramwise_cfg=dict(norm_decay_mult=0.0, bias_decay_mult=0.0),
)
param_scheduler = [
    dict(type='LinearLR', by_epoch=False, start_factor=0.001, begin=0, end=warm_up),
    dict(
        type='CosineAnnealingLR',
        by_epoch=False,
        eta_min=1e-5,
        begin=warm_up,
        T_max=iterations - warm_up,
        end=iterations,
    ),
]
