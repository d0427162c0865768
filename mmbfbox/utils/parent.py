"""Commands that end with the process that started them, however that ends.

Without it a training goes on unseen when what had started it is killed, and a second one is started beside it
when the same command is given again.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PARENT = 'MMBFBOX_PARENT'
"""Variable of the environment that holds the number of that process."""

_PR_SET_PDEATHSIG = 1


def end_with_parent() -> None:
    """Let the system kill this process when the one that :data:`PARENT` names ends; on Linux only."""
    parent = os.environ.pop(PARENT, None)
    if parent is None or not sys.platform.startswith('linux'):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):  # it has ended already
        os.kill(os.getpid(), signal.SIGKILL)
