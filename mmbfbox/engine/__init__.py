"""Around training and testing: loop, path sampling, guards, safe checkpoints, watching, pictures."""

from mmbfbox.engine.channels_last import ChannelsLastHook
from mmbfbox.engine.checkpoint import load_checkpoint_file, load_weights
from mmbfbox.engine.checkpoint_hook import SafeCheckpointHook
from mmbfbox.engine.close_workers import CloseWorkersHook
from mmbfbox.engine.deferred_info import DeferredInfoHook
from mmbfbox.engine.loss_guard import LossGuardHook
from mmbfbox.engine.mixed_precision import BFloat16OptimWrapper, use_mixed_precision
from mmbfbox.engine.path_parallel import PathDataParallel
from mmbfbox.engine.path_sampling import PathSamplingHook
from mmbfbox.engine.pictures import DetectionPicturesHook
from mmbfbox.engine.pretrained import PretrainedWeights
from mmbfbox.engine.sample_predictions import SamplePredictionsHook
from mmbfbox.engine.skipped_images import SkippedImagesHook
from mmbfbox.engine.tensorboard import OptionalTensorboardVisBackend
from mmbfbox.engine.train_loop import ResumableTrainLoop
from mmbfbox.engine.watch import WatchHook

__all__ = [
    'BFloat16OptimWrapper',
    'ChannelsLastHook',
    'CloseWorkersHook',
    'DeferredInfoHook',
    'DetectionPicturesHook',
    'LossGuardHook',
    'OptionalTensorboardVisBackend',
    'PathDataParallel',
    'PathSamplingHook',
    'PretrainedWeights',
    'ResumableTrainLoop',
    'SafeCheckpointHook',
    'SamplePredictionsHook',
    'SkippedImagesHook',
    'WatchHook',
    'load_checkpoint_file',
    'load_weights',
    'use_mixed_precision',
]
