"""Waiting for what other machines have written: a shared folder may show it some seconds later."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from mmbfbox.errors import UserError


def wait_until_seen(missing: Callable[[], int], folder: Path, patience: float) -> None:
    """Wait until nothing is missing any more.

    Args:
        missing: looks again, and says how many results are not there yet.
        folder: where they must appear, for the message.
        patience: seconds to wait at most.

    Raises:
        UserError: they do not come.
    """
    deadline = time.monotonic() + patience
    while number := missing():
        if time.monotonic() > deadline:
            raise UserError(
                f'{number} results that other processes have written are not to be seen in {folder} after '
                f'{patience:.0f} s; make sure that it is the same shared folder on every node and run the '
                f'same command again, nothing is lost'
            )
        time.sleep(0.05)
