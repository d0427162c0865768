# A schedule that gets a small network going in minutes; the paper's SGD settings do not.
train_cfg = dict(type='ResumableTrainLoop', max_iters=600, val_interval=100000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=5e-3, weight_decay=1e-3),
    clip_grad=dict(max_norm=10),
)
param_scheduler = [
    dict(type='LinearLR', by_epoch=False, start_factor=0.01, begin=0, end=50),
    dict(type='CosineAnnealingLR', by_epoch=False, eta_min=1e-5, begin=50, T_max=550, end=600),
]
