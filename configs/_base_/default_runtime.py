default_scope = 'mmdet'
custom_imports = dict(
    imports=[
        'mmbfbox.models',
        'mmbfbox.datasets',
        'mmbfbox.evaluation.metrics',
        'mmbfbox.engine',
        'mmbfbox.inference',
    ],
    allow_failed_imports=False,
)

default_hooks = dict(
    # mmengine's own one waits for the GPU in each step.
    runtime_info=dict(type='DeferredInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='SafeCheckpointHook', by_epoch=False, interval=5000, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    visualization=dict(type='DetVisualizationHook'),
)
custom_hooks = [
    dict(type='SkippedImagesHook'),
    dict(type='LossGuardHook'),
    dict(type='WatchHook'),
    dict(type='SamplePredictionsHook'),
    dict(type='CloseWorkersHook'),
]

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
vis_backends = [dict(type='LocalVisBackend'), dict(type='OptionalTensorboardVisBackend')]
visualizer = dict(type='DetLocalVisualizer', vis_backends=vis_backends, name='visualizer')
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=False)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0)
# What tools/test.py --tta without a preset tests with.
tta_model = dict(type='MultiViewDetector', preset='dsfd')
