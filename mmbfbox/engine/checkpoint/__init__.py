"""Checkpoints: safe to load, and which one a run goes on from."""

from mmbfbox.engine.checkpoint.loading import (
    DamagedCheckpointError,
    load_checkpoint_file,
    load_weights,
)

__all__ = ['DamagedCheckpointError', 'load_checkpoint_file', 'load_weights']
