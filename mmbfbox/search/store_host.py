"""The key-value store of a search over several processes, in a process of its own.

It belongs to no process that scores, so that each of them may die and the others go on; and it stays as
long as any process of any node still works, which torchrun's store does not.
"""

from __future__ import annotations

import signal
import time
from datetime import timedelta
from threading import Event

from torch.distributed import DistError, TCPStore  # type: ignore[attr-defined]

from mmbfbox.errors import UserError
from mmbfbox.search.distributed import PATIENCE


def host_store(port: int, size: int, patience: float = PATIENCE) -> None:
    """Open the store, and keep it until nobody needs it.

    The processes of this node are waited for by who started this one, who then sends ``SIGUSR1``; those of
    other nodes by their signs of life.

    Args:
        port: where the processes find it on this machine.
        size: number of processes of the search.
        patience: seconds without any sign of life after which nobody is waited for.

    Raises:
        UserError: the port is taken, or a process has not come to its end.
    """
    done_here = Event()
    signal.signal(signal.SIGUSR1, lambda *_: done_here.set())
    try:
        store = TCPStore(
            '0.0.0.0',
            port,
            size,
            is_master=True,
            timeout=timedelta(seconds=30),
            wait_for_workers=False,
        )
    except (DistError, RuntimeError) as error:
        raise UserError(
            f'the port {port} of this machine cannot be opened ({str(error).splitlines()[0]}); set PORT '
            f'to a free one, the same on every node'
        ) from error
    done_here.wait()
    beats, since = _beats(store, size), time.monotonic()
    while not _all_ended(store, size) and time.monotonic() - since < patience:
        time.sleep(0.2)
        now = _beats(store, size)
        if now != beats:
            beats, since = now, time.monotonic()
    lost = [str(rank) for rank in range(size) if not int(store.add(f'search/end {rank}', 0))]
    if lost:
        raise UserError(
            f'process {", ".join(lost)} of {size} has not come to its end; run the same command again '
            f'on every node, it scores only what is missing'
        )


def _beats(store: TCPStore, size: int) -> list[int]:
    """How many signs of life each process that has not ended has given."""
    return [
        0 if _ended(store, rank) else int(store.add(f'search/beat {rank}', 0))
        for rank in range(size)
    ]


def _all_ended(store: TCPStore, size: int) -> bool:
    return all(_ended(store, rank) for rank in range(size))


def _ended(store: TCPStore, rank: int) -> bool:
    ended = int(store.add(f'search/end {rank}', 0)) > 0
    return ended or bool(store.check([f'search/failure {rank}']))
