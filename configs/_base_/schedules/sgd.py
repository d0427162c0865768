# The paper's schedule (section 5.1): 4 GPUs x 7 images, 80 k iterations for a final network.
train_cfg = dict(type='ResumableTrainLoop', max_iters=80000, val_interval=10000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-5),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=[60000], gamma=0.1)]
