"""Two hosts on one machine: network namespaces joined by a link that delays and loses packets."""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
ADDRESSES = ('10.77.0.1', '10.77.0.2')


def why_not() -> str | None:
    """Why two hosts cannot be made here, or None if they can."""
    if os.name != 'posix' or os.geteuid() != 0:
        return 'network namespaces need root'
    if not shutil.which('ip'):
        return 'network namespaces need iproute2'
    if not os.access('/dev/net/tun', os.R_OK | os.W_OK):
        return 'the link between two hosts needs /dev/net/tun'
    name = f'mmbfbox-{os.getpid()}-try'
    if subprocess.run(['ip', 'netns', 'add', name], capture_output=True).returncode:
        return 'this machine makes no network namespaces'
    subprocess.run(['ip', 'netns', 'del', name], check=True)
    return None


@dataclass
class Host:
    """One of the two.

    Args:
        name: its network namespace.
        address: its IPv4 address.
        device: its network interface.
    """

    name: str
    address: str
    device: str = ''
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(
        self, command: Sequence[str | Path], env: Mapping[str, str], log: Path
    ) -> subprocess.Popen[str]:
        """Start a command here, in a process group of its own; its output goes to ``log``."""
        with log.open('w') as out:
            process = subprocess.Popen(
                ['ip', 'netns', 'exec', self.name, *map(str, command)],
                env=dict(env), stdout=out, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def pids(self) -> list[int]:
        """Every process that runs here."""
        found = subprocess.run(['ip', 'netns', 'pids', self.name], capture_output=True, text=True)
        return [int(pid) for pid in found.stdout.split()]

    def kill(self) -> None:
        """The power fails: every process here ends at once."""
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()


def wait_until(ready: Callable[[], bool], seconds: float = 120) -> None:
    """Look again and again; fail when it takes longer."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, f'still not so after {seconds} s'
        time.sleep(0.1)


class Link:
    """Carries packets between two TUN devices.

    Args:
        delay: seconds that each packet takes.
        loss: share of the packets that never arrive.
    """

    def __init__(self, delay: float, loss: float) -> None:
        self.delay, self.loss = delay, loss
        self.cut = False
        self._ends = [self._open(f'bf{os.getpid() % 10**6}{side}') for side in 'ab']
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    @staticmethod
    def _open(name: str) -> tuple[str, int]:
        descriptor = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack('16sH', name.encode(), _TUN_WITHOUT_HEADER))
        return name, descriptor

    def join(self, hosts: Sequence[Host]) -> None:
        """Put an end into each host and start."""
        for host, (device, _) in zip(hosts, self._ends, strict=True):
            host.device = device
            _ip('link', 'set', device, 'netns', host.name)
            _ip('-n', host.name, 'addr', 'add', f'{host.address}/24', 'dev', device)
            _ip('-n', host.name, 'link', 'set', device, 'up')
            _ip('-n', host.name, 'link', 'set', 'lo', 'up')
        self._thread.start()

    def _carry(self) -> None:
        others = {self._ends[0][1]: self._ends[1][1], self._ends[1][1]: self._ends[0][1]}
        on_the_way: list[tuple[float, int, int, bytes]] = []
        luck, number = random.Random(0), 0
        while not self._stop.is_set():
            wait = on_the_way[0][0] - time.monotonic() if on_the_way else 0.1
            for end in select.select(list(others), [], [], max(0.0, min(wait, 0.1)))[0]:
                with contextlib.suppress(OSError):
                    packet = os.read(end, 65536)
                    if not self.cut and luck.random() >= self.loss:
                        number += 1
                        due = time.monotonic() + self.delay
                        heapq.heappush(on_the_way, (due, number, others[end], packet))
            while on_the_way and on_the_way[0][0] <= time.monotonic():
                with contextlib.suppress(OSError):
                    os.write(*heapq.heappop(on_the_way)[2:])

    def close(self) -> None:
        """Stop carrying; the devices vanish."""
        self._stop.set()
        self._thread.join()
        for _, descriptor in self._ends:
            os.close(descriptor)


class SlowFolder:
    """A folder that two hosts share, as each of them sees it: what the other writes comes later.

    Args:
        first, second: the folder as host 0 and host 1 see it.
        seconds: how much later; each side owns its files, those of host 1 have ``rank1`` in their names.

    Attributes:
        shown: how many contents of a file have reached the other side.
    """

    def __init__(self, first: Path, second: Path, seconds: float) -> None:
        self.views, self.seconds, self.shown = (first, second), seconds, 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)

    def __enter__(self) -> SlowFolder:
        for view in self.views:
            view.mkdir()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _carry(self) -> None:
        seen: dict[Path, bytes] = {}
        on_the_way: deque[tuple[float, Path, bytes]] = deque()
        while not self._stop.wait(0.1):
            for side, (here, there) in enumerate((self.views, self.views[::-1])):
                for path in here.glob('*.json*'):
                    with contextlib.suppress(FileNotFoundError):
                        content = path.read_bytes()
                        if ('rank1' in path.name) == bool(side) and seen.get(path) != content:
                            seen[path] = content
                            due = time.monotonic() + self.seconds
                            on_the_way.append((due, there / path.name, content))
            while on_the_way and on_the_way[0][0] <= time.monotonic():
                _, path, content = on_the_way.popleft()
                temporary = path.with_name(f'.{path.name}')
                temporary.write_bytes(content)
                temporary.replace(path)
                self.shown += 1


@contextlib.contextmanager
def two_hosts(delay: float = 0.0, loss: float = 0.0) -> Iterator[tuple[Host, Host, Link]]:
    """Two hosts and the link between them; whatever still runs in them is killed at the end.

    Args:
        delay: seconds that a packet takes from one to the other.
        loss: share of the packets that get lost.
    """
    hosts = [
        Host(f'mmbfbox-{os.getpid()}-{number}', address) for number, address in enumerate(ADDRESSES)
    ]
    try:
        for host in hosts:
            _ip('netns', 'add', host.name)
        link = Link(delay, loss)
        try:
            link.join(hosts)
            yield hosts[0], hosts[1], link
        finally:
            for host in hosts:
                host.kill()
            link.close()
    finally:
        for host in hosts:
            subprocess.run(['ip', 'netns', 'del', host.name], capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(['ip', *arguments], check=True)
