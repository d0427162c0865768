# The recommended training on WIDER FACE, beside the paper's: schedule, crops with little padding, which show
# faces at about the scales of a test, and a moving average of the weights.
_base_ = ['../datasets/wider_face.py', '../schedules/recommended.py', '../default_runtime.py']
from mmbfbox.utils.named_steps import change_steps

train_pipeline = change_steps(
    _base_.train_pipeline,
    DataAnchorSampling=dict(prob=0.0, squares=(0.3, 2.0), min_size=5, small_faces='ignore'),
)
train_dataloader = dict(dataset=dict(part=None, pipeline=train_pipeline))
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.0002, update_buffers=True),
]
