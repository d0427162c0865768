"""Commands of one process side by side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager


class Turn(AbstractContextManager['Turn']):
    """Threads take turns, and give theirs away while they wait for a command.

    Reading configs and checkpoints changes what a process has once: registries, the types that may be read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> Turn:
        self._lock.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let others have it until the end of the ``with`` block."""
        self._lock.release()
        try:
            yield
        finally:
            self._lock.acquire()


def side_by_side(work: Callable[[Turn], bool], at_once: int) -> None:
    """Do pieces of work until there are no more, several at the same time.

    After a failure no further piece begins; those that run come to their end.

    Args:
        work: does the next piece and tells whether there was one. It has the turn, and gives it away while it
            waits for a command.
        at_once: how many pieces run side by side, each in a thread; 1 takes this one.

    Raises:
        Exception: that of a piece.
    """
    turn, stop = Turn(), threading.Event()

    def go_on() -> None:
        try:
            with turn:
                while not stop.is_set() and work(turn):
                    pass
        except BaseException:
            stop.set()
            raise

    if at_once == 1:
        go_on()
        return
    with ThreadPoolExecutor(at_once) as threads:
        pieces = [threads.submit(go_on) for _ in range(at_once)]
        try:
            wait(pieces)
        finally:
            stop.set()
    for piece in pieces:
        piece.result()
