"""BFBox: searching a face-appropriate backbone and feature pyramid for face detection."""

from mmbfbox.utils.home import ensure_home
from mmbfbox.utils.moved import find_moved_modules
from mmbfbox.version import __version__

__all__ = ['__version__']

ensure_home()
find_moved_modules()
