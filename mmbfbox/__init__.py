"""BFBox: searching a face-appropriate backbone and feature pyramid for face detection."""

from mmbfbox.version import __version__

__all__ = ['__version__']
