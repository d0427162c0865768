# The recommended training on WIDER FACE, beside the paper's: its schedule as others train from scratch, crops
# without padding, a moving average of the weights. It has not been run at this size yet; what its parts are
# worth on wider_mini is measured by benchmarks/training/ingredients.py.
_base_ = ['../datasets/wider_face.py', '../schedules/recommended.py', '../default_runtime.py']
from mmbfbox.utils.named_steps import change_steps

train_pipeline = change_steps(
    _base_.train_pipeline,
    DataAnchorSampling=dict(prob=0.0, min_size=5, small_faces='ignore'),
)
train_dataloader = dict(dataset=dict(part=None, pipeline=train_pipeline))
custom_hooks = [
    *_base_.custom_hooks,
    dict(type='EMAHook', ema_type='ExpMomentumEMA', momentum=0.0002, update_buffers=True),
]
