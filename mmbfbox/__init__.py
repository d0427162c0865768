"""BFBox: searching a face-appropriate backbone and feature pyramid for face detection."""

from mmbfbox.utils.moved import find_moved_modules
from mmbfbox.version import __version__

__all__ = ['__version__']

find_moved_modules()
