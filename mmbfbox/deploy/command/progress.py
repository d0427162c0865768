"""How far a run is, and how long the rest will take."""

from __future__ import annotations

import sys
import time
from typing import TextIO

_SECONDS_ON_TERMINAL, _SECONDS_IN_LOG = 0.2, 10.0


class Progress:
    """A line on a terminal that is written anew, or a line now and then in a log.

    Args:
        what: of what, in the plural.
        total: how many there are, if that is known.
        stream: where to write; standard error by default, which keeps results apart.
    """

    def __init__(self, what: str, total: int | None = None, stream: TextIO | None = None) -> None:
        self._what = what
        self._total = total
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._start = self._told = time.monotonic()
        self._done = 0

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        if now - self._told >= (_SECONDS_ON_TERMINAL if self._terminal else _SECONDS_IN_LOG):
            self._told = now
            self._write(self.line(now - self._start), end='' if self._terminal else '\n')

    def line(self, seconds: float) -> str:
        """What is told after so many seconds."""
        rate = self._done / max(seconds, 1e-9)
        words = f'{self._count()}, {rate:.1f} a second'
        if self._total:
            left = in_words((self._total - self._done) / max(rate, 1e-9))
            words = f'{self._done} of {self._total} {self._what}, {rate:.1f} a second, {left} left'
        return words

    def say(self, sentence: str) -> None:
        """Write a sentence on a line of its own."""
        self._write(sentence, end='\n')

    def end(self) -> None:
        """Say what was done, in how long."""
        seconds = time.monotonic() - self._start
        self._write(f'{self._count()} in {in_words(seconds)}', end='\n')

    def _count(self) -> str:
        return f'{self._done} {self._what if self._done != 1 else self._what.removesuffix("s")}'

    def _write(self, words: str, end: str) -> None:
        clear = '\r\x1b[K' if self._terminal else ''
        print(f'{clear}{words}', end=end, file=self._stream, flush=True)


def in_words(seconds: float) -> str:
    """A length of time.

    Example:
        >>> in_words(3.2), in_words(125), in_words(8000)
        ('3 s', '2 min 5 s', '2 h 13 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f'{hours} h {minutes} min'
    return f'{minutes} min {rest} s' if minutes else f'{rest} s'
