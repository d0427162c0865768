"""Around training and testing: loop, path sampling, guards, safe checkpoints, watching, pictures."""

from mmbfbox.engine.checkpoint.loading import load_checkpoint_file
from mmbfbox.engine.checkpoint.pretrained import PretrainedWeights
from mmbfbox.engine.checkpoint.safe_loading import use_safe_loading
from mmbfbox.engine.checkpoint.weights import load_weights, read_weights
from mmbfbox.engine.distributed.path_parallel import PathDataParallel
from mmbfbox.engine.hooks.busy_cores_hook import BusyCoresHook
from mmbfbox.engine.hooks.channels_last_hook import ChannelsLastHook
from mmbfbox.engine.hooks.checkpoint_hook import SafeCheckpointHook
from mmbfbox.engine.hooks.close_workers_hook import CloseWorkersHook
from mmbfbox.engine.hooks.deferred_info_hook import DeferredInfoHook
from mmbfbox.engine.hooks.detection_pictures_hook import DetectionPicturesHook
from mmbfbox.engine.hooks.loss_guard_hook import LossGuardHook
from mmbfbox.engine.hooks.norm_shift_hook import NormShiftHook
from mmbfbox.engine.hooks.path_ema_hook import PathEMAHook
from mmbfbox.engine.hooks.path_sampling_hook import PathSamplingHook
from mmbfbox.engine.hooks.sample_predictions_hook import SamplePredictionsHook
from mmbfbox.engine.hooks.skipped_images_hook import SkippedImagesHook
from mmbfbox.engine.hooks.watch_hook import WatchHook
from mmbfbox.engine.loops import ResumableTrainLoop
from mmbfbox.engine.mixed_precision import BFloat16OptimWrapper, use_mixed_precision
from mmbfbox.engine.tensorboard import OptionalTensorboardVisBackend

__all__ = [
    'BFloat16OptimWrapper',
    'BusyCoresHook',
    'ChannelsLastHook',
    'CloseWorkersHook',
    'DeferredInfoHook',
    'DetectionPicturesHook',
    'LossGuardHook',
    'NormShiftHook',
    'OptionalTensorboardVisBackend',
    'PathDataParallel',
    'PathEMAHook',
    'PathSamplingHook',
    'PretrainedWeights',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'SamplePredictionsHook',
    'SkippedImagesHook',
    'WatchHook',
    'load_checkpoint_file',
    'load_weights',
    'read_weights',
    'use_mixed_precision',
    'use_safe_loading',
]
