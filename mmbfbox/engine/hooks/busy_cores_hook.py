"""Says once in the log if other programs take the cores that a training on the CPU works with."""

from __future__ import annotations

import os
import time
from typing import Any

import torch
from mmdet.registry import HOOKS
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import Runner

from mmbfbox.errors import UserError
from mmbfbox.utils.threads import busy_cores


@HOOKS.register_module()
class BusyCoresHook(Hook):
    """Measure, over the first iterations, how many cores other programs keep busy.

    Nothing is said where the device is a GPU, or where there is room for all.

    Args:
        iterations: that are measured. Defaults to 50.
    """

    def __init__(self, iterations: int = 50) -> None:
        if iterations < 1:
            raise UserError(f'the iterations of BusyCoresHook are {iterations}, expected 1 or more')
        self.iterations = iterations
        self._seen = 0
        self._start: tuple[float, tuple[float, float]] | None = None

    def before_train(self, runner: Runner) -> None:
        """Begin to measure."""
        self._seen = 0
        seconds = None if torch.cuda.is_available() else busy_cores()
        self._start = (time.monotonic(), seconds) if seconds else None

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Measure, and say what was found."""
        self._seen += 1
        if self._start is None or self._seen < self.iterations:
            return
        (begin, before), self._start = self._start, None
        after = busy_cores()
        passed = time.monotonic() - begin
        if after is None or passed <= 0:
            return
        own = (after[1] - before[1]) / passed
        others = max((after[0] - before[0]) / passed - own, 0)
        message = advice(own, others, len(os.sched_getaffinity(0)), torch.get_num_threads())
        if message:
            print_log(message, logger='current', level=30)


def advice(own: float, others: float, cores: int, threads: int) -> str | None:
    """What to tell the user, or None where there is room for all.

    Args:
        own: cores that this training had on average.
        others: cores that other programs had.
        cores: that there are.
        threads: that the training computes with.

    Example:
        >>> advice(1.0, 0.2, 2, 1)
        >>> advice(0.9, 1.1, 2, 2)[:60]
        'other programs keep 1.1 of 2 cores busy, and this training h'
    """
    if own + others < 0.95 * cores or others < 0.25:
        return None
    fewer = max(1, int(cores - others + 0.5))
    way = (
        f'set OMP_NUM_THREADS={fewer}, so that its threads do not wait for each other'
        if fewer < threads
        else 'it will be faster once they have ended'
    )
    return (
        f'other programs keep {others:.1f} of {cores} cores busy, and this training has {own:.1f} for '
        f'{threads} thread{"s" * (threads > 1)} and its loaders; {way}'
    )
