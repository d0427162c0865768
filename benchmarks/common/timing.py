"""How long something takes, on the device as well."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import torch

Result = TypeVar('Result')


def timed(
    action: Callable[[], Result], clock: Callable[[], float] = time.perf_counter
) -> tuple[Result, float]:
    """What an action returns, and its seconds; a GPU's work is waited for.

    Args:
        action: what to measure.
        clock: ``time.process_time`` counts CPU seconds of this process.
    """
    start = clock()
    result = action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return result, clock() - start
