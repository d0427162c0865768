"""Turning an arch and a supernet into an ordinary mmdet config and checkpoint, and publishing it."""

from mmbfbox.export.exporting import Exported, Recalibrate, subnet, subnet_config, write_subnet
from mmbfbox.export.publish import Published, publish
from mmbfbox.export.slicing import subnet_model, subnet_weights
from mmbfbox.export.supernet import Supernet, read_arch, read_supernet, supernet_space

__all__ = [
    'Exported',
    'Published',
    'Recalibrate',
    'Supernet',
    'publish',
    'read_arch',
    'read_supernet',
    'subnet',
    'subnet_config',
    'subnet_model',
    'subnet_weights',
    'supernet_space',
    'write_subnet',
]
