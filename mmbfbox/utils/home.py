"""A home folder for processes that have none."""

from __future__ import annotations

import os
import tempfile


def ensure_home() -> None:
    """Let HOME name the folder of temporary files where neither HOME nor the user's entry names one.

    In a container a process often runs under a number without a name. yapf, which mmengine imports, and
    others then fail while they look for the place of their caches.
    """
    if os.path.expanduser('~') == '~':
        os.environ['HOME'] = tempfile.gettempdir()
