"""Hooks of training: one file, one job."""

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

__all__ = [
    'BusyCoresHook',
    'ChannelsLastHook',
    'CloseWorkersHook',
    'DeferredInfoHook',
    'DetectionPicturesHook',
    'LossGuardHook',
    'NormShiftHook',
    'PathEMAHook',
    'PathSamplingHook',
    'SafeCheckpointHook',
    'SamplePredictionsHook',
    'SkippedImagesHook',
    'WatchHook',
]
