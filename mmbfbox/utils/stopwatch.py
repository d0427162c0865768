"""Where the time goes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class Stopwatch:
    """Adds up the seconds of named pieces of work.

    Args:
        device: where the work runs. Unless it is the CPU, each reading waits for the device.
        running: whether to measure at all; waiting for a GPU costs time.

    Attributes:
        seconds: of each piece of work that has run.

    Example:
        >>> watch = Stopwatch()
        >>> with watch('sleep'):
        ...     time.sleep(0.01)
        >>> watch.seconds['sleep'] >= 0.01
        True
    """

    def __init__(self, device: str | torch.device = 'cpu', running: bool = True) -> None:
        self.seconds: dict[str, float] = {}
        self.running = running
        self.device = torch.device(device)
        self._lock = threading.Lock()

    @contextmanager
    def __call__(self, work: str, wait: bool = True) -> Iterator[None]:
        """Measure the body of a ``with`` and add it to ``work``; threads may measure at once.

        Args:
            work: name of this piece of work.
            wait: whether readings wait for the device; work that ends on the CPU does not need that.
        """
        if not self.running:
            yield
            return
        start = self._now(wait)
        try:
            yield
        finally:
            seconds = self._now(wait) - start
            with self._lock:
                self.seconds[work] = self.seconds.get(work, 0.0) + seconds

    def _now(self, wait: bool) -> float:
        if wait and self.device.type == 'cuda':
            torch.cuda.synchronize(self.device)
        return time.perf_counter()
