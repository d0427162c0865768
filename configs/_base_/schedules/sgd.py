# The paper's schedule (section 5.1): 4 GPUs x 7 images, 80 k iterations for a final network.
train_cfg = dict(type='ResumableTrainLoop', max_iters=80000, val_interval=10000)
val_cfg = dict(type='ValLoop')
test_cfg = dict(type='TestLoop')
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='SGD', lr=1e-3, momentum=0.9, weight_decay=5e-5),
    # The paper is silent. This is far above what is usual: it only keeps an outlier from ruining the weights.
    clip_grad=dict(max_norm=35),
)
param_scheduler = [dict(type='MultiStepLR', by_epoch=False, milestones=[60000], gamma=0.1)]
