"""Checkpoints: safe to load, which weights they hold, and which one a run goes on from."""

from mmbfbox.engine.checkpoint.loading import DamagedCheckpointError, load_checkpoint_file
from mmbfbox.engine.checkpoint.safe_loading import use_safe_loading
from mmbfbox.engine.checkpoint.weights import load_weights, read_weights, weights_of

__all__ = [
    'DamagedCheckpointError',
    'load_checkpoint_file',
    'load_weights',
    'read_weights',
    'use_safe_loading',
    'weights_of',
]
