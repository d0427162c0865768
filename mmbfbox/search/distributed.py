"""Processes that share one search: who takes which piece of work, and who waits for whom.

Only a key-value store is shared (``store_host.py`` opens it); there is no process group. So no process's
batches, metrics or failures can get into another's, and a process that dies takes nobody with it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from torch.distributed import DistError
from torch.distributed.distributed_c10d import Store
from torch.distributed.rendezvous import rendezvous

from mmbfbox.errors import UserError

PATIENCE = float(os.environ.get('SEARCH_PATIENCE', 60))
"""Seconds without a sign of life after which a process counts as dead."""

BEATS = 30
"""Signs of life that a process gives in that time."""


class Processes:
    """A search in a single process; :class:`StoreProcesses` overrides what several need.

    Attributes:
        rank: number of this process.
        size: how many processes there are.
    """

    rank = 0
    size = 1

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, key: str, amount: int = 1) -> int:
        """Add to a counter that all processes share, and return its new value."""
        self._counts[key] = self._counts.get(key, 0) + amount
        return self._counts[key]

    def draw(self, key: str) -> int:
        """The next number 0, 1, 2, ... of a sequence; every number goes to one process."""
        return self.add(f'draw {key}') - 1

    def meet(self, key: str) -> None:
        """Wait until all processes are here.

        Raises:
            UserError: another process has failed or died.
        """

    def first(self, key: str, work: Callable[[], None]) -> None:
        """Let process 0 do something that the others need.

        Raises:
            UserError: process 0 could not do it.
        """
        work()

    def last(self, key: str) -> bool:
        """Whether this process is the last one to get here; the others do not wait for it."""
        return True

    def best(self, value: float) -> float:
        """The highest value that any process has told; may lag behind the others a little."""
        self._best = max(value, getattr(self, '_best', value))
        return self._best

    @contextmanager
    def working(self) -> Iterator[None]:
        """Surrounds all that the processes share, so that others learn of a failure.

        Inside of itself it does nothing: what follows a search may surround both.
        """
        yield


class StoreProcesses(Processes):
    """One of several processes.

    Args:
        store: the key-value store that all of them reach.
        rank, size: number of this process, and how many there are.
        hosting: whether the store lives in this process, which then must not end before the others.
        patience: seconds without a sign of life after which a process counts as dead.
    """

    def __init__(
        self, store: Store, rank: int, size: int, hosting: bool = False, patience: float = PATIENCE
    ) -> None:
        super().__init__()
        self.store, self.rank, self.size = store, rank, size
        self.hosting, self.patience = hosting, patience
        self._ended = threading.Event()
        self._working = False

    def add(self, key: str, amount: int = 1) -> int:
        try:
            return int(self.store.add(f'search/{key}', amount))
        except (DistError, RuntimeError) as error:
            raise UserError(
                f'process {self.rank} cannot reach the process that hands out the work, which has probably '
                f'ended; run the same command again, all results are intact'
            ) from error

    def meet(self, key: str) -> None:
        self.add(f'meet {key}')
        self._wait(key, lambda: self.add(f'meet {key}', 0) >= self.size)

    def first(self, key: str, work: Callable[[], None]) -> None:
        if self.rank == 0:
            work()
            self.add(f'first {key}')
        else:
            self._wait(key, lambda: self.add(f'first {key}', 0) > 0)

    def last(self, key: str) -> bool:
        return self.add(f'last {key}') == self.size

    def best(self, value: float) -> float:
        mine = super().best(value)
        self.store.set(f'search/best {self.rank}', repr(mine))
        keys = [f'search/best {rank}' for rank in range(self.size)]
        return max(float(self.store.get(key)) for key in keys if self.store.check([key]))

    @contextmanager
    def working(self) -> Iterator[None]:
        if self._working:
            yield
            return
        self._working = True
        beats = threading.Thread(target=self._beat, daemon=True)
        beats.start()
        try:
            yield
        except BaseException as error:
            self._tell_failure(error)
            raise
        else:
            self.add(f'end {self.rank}')
            if self.hosting:
                self._host_until_all_end()
        finally:
            self._working = False
            self._ended.set()
            beats.join()

    def _beat(self) -> None:
        """Show again and again that this process lives."""
        while not self._ended.wait(self.patience / BEATS):
            try:
                self.add(f'beat {self.rank}')
            except UserError:
                return

    def _tell_failure(self, error: BaseException) -> None:
        # If it cannot be told, whoever waits will notice that nobody answers.
        with suppress(DistError, RuntimeError):
            self.store.set(f'search/failure {self.rank}', str(error) or type(error).__name__)

    def _others(self) -> list[int]:
        """The processes that have not ended."""
        return [r for r in range(self.size) if r != self.rank and not self.add(f'end {r}', 0)]

    def _wait(self, key: str, ready: Callable[[], bool]) -> None:
        """Wait for the others as long as they all live."""
        pulse = _Pulse(self)
        while not ready():
            for rank in self._others():
                failure = f'search/failure {rank}'
                if self.store.check([failure]):
                    said = self.store.get(failure).decode(errors='replace')
                    raise OtherProcessError(f'process {rank} stopped: {said}')
            dead = pulse.stopped()
            if dead:
                raise OtherProcessError(
                    f'process {dead[0]} has shown no sign of life for {self.patience:.0f} s, and process '
                    f'{self.rank} needs its results ({key}); run the same command again, it scores '
                    f'only what is missing'
                )
            time.sleep(0.05)

    def _host_until_all_end(self) -> None:
        pulse = _Pulse(self)
        while True:
            dead = pulse.stopped()
            waiting = [
                rank
                for rank in self._others()
                if rank not in dead and not self.store.check([f'search/failure {rank}'])
            ]
            if not waiting:
                return
            time.sleep(0.05)


class OtherProcessError(UserError):
    """Another process has failed; it has said why itself."""


class _Pulse:
    """Watches the other processes' signs of life."""

    def __init__(self, processes: StoreProcesses) -> None:
        self._processes = processes
        self._beats: dict[int, tuple[int, float]] = {}

    def stopped(self) -> list[int]:
        """Processes that have not ended and have been silent for too long."""
        now = time.monotonic()
        silent = []
        for rank in self._processes._others():
            count = self._processes.add(f'beat {rank}', 0)
            before, since = self._beats.get(rank, (-1, now))
            if count != before:
                self._beats[rank] = count, now
            elif now - since > self._processes.patience:
                silent.append(rank)
        return silent


def join_processes(launcher: str = 'none', patience: float = PATIENCE) -> Processes:
    """The processes that belong to this one.

    Args:
        launcher: ``'none'`` for a single process; with anything else ``RANK``, ``WORLD_SIZE``,
            ``MASTER_ADDR`` and ``MASTER_PORT`` say where the others are, as tools/dist_search.sh sets them.
        patience: seconds without a sign of life after which a process counts as dead.

    Raises:
        UserError: a variable is missing, or the others cannot be reached.
    """
    if launcher == 'none':
        return Processes()
    try:
        store, rank, size = next(rendezvous('env://', timeout=timedelta(minutes=10)))
    except (ValueError, RuntimeError, DistError) as error:
        raise UserError(
            f'the processes of the search cannot find each other ({str(error).splitlines()[0]}); start '
            f'them by tools/dist_search.sh'
        ) from error
    if size == 1:
        return Processes()
    agent = os.environ.get('TORCHELASTIC_USE_AGENT_STORE') == 'True'
    return StoreProcesses(store, rank, size, hosting=rank == 0 and not agent, patience=patience)
