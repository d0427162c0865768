"""What a running search shows: done, pace, best so far, time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from typing import TextIO

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.distributed import Processes
from mmbfbox.search.report import readable

REFRESH = 0.2
"""Seconds between two states of a terminal's line."""


class Progress:
    """One line for each candidate of process 0, or one line that is refreshed on a terminal.

    Counts, pace and best are those of all processes together. Each process shows its own failures.

    Args:
        metric: the score that orders them.
        processes: the processes that share the search.
        stream: where to write. Defaults to the standard output.
    """

    def __init__(self, metric: str, processes: Processes, stream: TextIO | None = None) -> None:
        self.metric = metric
        self.processes = processes
        self.stream = stream or sys.stdout
        self.shown = 0.0
        self.line = ''

    def begin(self, wanted: int, earlier: Iterable[Candidate]) -> None:
        """Note what is there already and how much is wanted."""
        self.start = time.perf_counter()
        self.wanted = wanted
        self.indices = {candidate.index for candidate in earlier}
        self.before = len(self.indices)
        complete = [c.scores[self.metric] for c in earlier if c.complete]
        self.top = max(complete, default=0.0)
        if self.before and self.processes.rank == 0:
            self.note(f'{self.before} candidates are there already')

    def __call__(self, new: Candidate) -> None:
        """Show one more candidate."""
        # What is scored a second time (a failure, a stopped one) has been counted.
        fresh = new.index not in self.indices
        self.indices.add(new.index)
        done = self.processes.add('scored', int(fresh))
        if new.complete:
            self.top = self.processes.best(max(self.top, new.scores[self.metric]))
        if new.error:
            self.note(f'candidate {new.index} failed: {new.error}')
        if self.processes.rank == 0:
            self._show(new, done)

    def note(self, text: str) -> None:
        """A line that stays."""
        self._clear()
        print(text, file=self.stream, flush=True)

    def end(self) -> None:
        """Finish the line."""
        if self.line:
            self._write(f'\r{self.line}\n')
            self.line = ''

    def _show(self, new: Candidate, done: int) -> None:
        pace = 60 * done / max(time.perf_counter() - self.start, 1e-9)
        total = self.before + done
        left = max(self.wanted - total, 0) * 60 / pace if pace else 0.0
        hours, rest = divmod(round(left), 3600)
        score = f'{self.metric} AP {100 * new.scores[self.metric]:.2f}' if new.scores else 'failed'
        stopped = f' after {new.stopped} images' if new.stopped else ''
        self.line = (
            f'[{total}/{self.wanted}] {score}{stopped} (best {100 * self.top:.2f})  '
            f'{readable(new.backbone_macs)} MACs  {pace:.1f} a minute  '
            f'{hours}:{rest // 60:02d}:{rest % 60:02d} left'
        )
        if not self.stream.isatty():
            print(self.line, file=self.stream, flush=True)
            self.line = ''
        elif time.perf_counter() - self.shown > REFRESH or total >= self.wanted:
            self.shown = time.perf_counter()
            self._write(f'\r{self.line}\x1b[K')

    def _clear(self) -> None:
        if self.line:
            self._write('\r\x1b[K')

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
