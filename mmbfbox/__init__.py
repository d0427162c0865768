"""BFBox: searching a face-appropriate backbone and feature pyramid for face detection."""

from mmbfbox.utils.home import ensure_home
from mmbfbox.utils.moved import find_moved_modules
from mmbfbox.utils.threads import wait_without_spinning
from mmbfbox.version import __version__

__all__ = ['__version__']

ensure_home()
wait_without_spinning()
find_moved_modules()
