"""A search by its command line that can be killed, with a log of what it scores."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from benchmarks.common.killing import descendants, kill, wait_for_end
from mmbfbox.artifacts.search import SEARCH_FILE
from mmbfbox.datasets.demo.make import make_demo_data
from mmbfbox.errors import UserError
from mmbfbox.search.scoring.build import SCORERS
from mmbfbox.search.storage.candidates import read_candidates
from mmbfbox.utils.config import configs_dir

ROOT = Path(__file__).resolve().parents[2]


CONFIG = """
_base_ = [{base!r}]
custom_imports = dict(imports=[*_base_.custom_imports.imports, 'benchmarks.common.killable_search'])
model = dict(
    backbone=dict(stem_channels=8, out_channels=[16, 16, 16, 16]),
    neck=dict(in_channels=[16, 16, 16, 16], channels=16),
    bbox_head=dict(in_channels=16),
)
split = dict(held_out=8, recalibration=8)
train_dataloader = dict(
    batch_size=4, num_workers=0, persistent_workers=False, dataset=split
)
held_out_dataloader = dict(batch_size=4, dataset=split)
recalibration_dataloader = dict(batch_size=4, dataset=split)
train_cfg = dict(max_iters=60)
search = dict(constraints=dict(detector_macs=dict(_delete_=True)))
"""


class LoggedScorer:
    """A scorer that logs which arch it starts with and which one it has a score of.

    Args:
        config, weights, device: as for any scorer.
        kind: type of the scorer that does the work.
        log: the file; all processes append to it.
    """

    SPEED_ONLY: ClassVar[frozenset[str]] = frozenset({'log'})

    def __init__(
        self, config: Any, weights: Any, device: str | None = None, kind: str = '', log: str = ''
    ) -> None:
        self.scorer = SCORERS[kind](config, weights, device)
        self.images = self.scorer.images
        self.prepare = self.scorer.prepare
        self.log = log
        self.kind = kind

    def identity(self) -> dict[str, Any]:
        """That of the scorer that does the work, and which one it is."""
        return {**self.scorer.identity(), 'type': 'logged', 'kind': self.kind}

    def score(self, arch: Any, *keep: Any) -> dict[str, float]:
        """Score one arch."""
        text = json.dumps(arch.to_dict())
        self._note(f'start {text}')
        scores: dict[str, float] = self.scorer.score(arch, *keep)
        self._note(f'end {text}')
        return scores

    def _note(self, line: str) -> None:
        with open(self.log, 'ab', buffering=0) as file:
            file.write(line.encode() + b'\n')


SCORERS['logged'] = LoggedScorer


@dataclass
class Run:
    """A search in a folder of its own, which may be started several times.

    Args:
        root: where the supernet, the data and the config are.
        name: name of the folder.
        processes: number of processes.
        candidates: how many are wanted.
        kind: type of the scorer.
        config: name of its config in ``root``.
    """

    root: Path
    name: str
    processes: int
    candidates: int
    kind: str
    config: str = 'search.py'
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.folder = self.root / self.name
        self.folder.mkdir()
        self.log = self.folder / 'scorings.log'
        self.work_dir = self.folder / 'search'

    def start(self) -> None:
        """Start the command of a search."""
        words = [sys.executable, 'tools/search.py'] if self.processes == 1 else [
            'bash', 'tools/dist_search.sh'
        ]  # fmt: skip
        words += [str(self.root / self.config), str(self.root / 'supernet.pth')]
        words += [str(self.processes)] if self.processes > 1 else []
        words += ['--work-dir', str(self.work_dir), '--data-root', str(self.root / 'data')]
        words += ['--candidates', str(self.candidates), '--cfg-options']
        words += ['search.scorer.type=logged', f'search.scorer.kind={self.kind}']
        words += [f'search.scorer.log={self.log}']
        with (self.folder / 'output.txt').open('ab') as output:
            self.process = subprocess.Popen(
                words, cwd=ROOT, env=environment(), stdout=output, stderr=subprocess.STDOUT
            )

    def wait(self, seconds: float = 600) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(seconds)

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Wait until something has happened; False if the search has ended before."""
        deadline = time.monotonic() + 300
        while self.process.poll() is None:
            if ready():
                return True
            if time.monotonic() > deadline:
                raise UserError(f'{self.name} hangs, see {self.folder / "output.txt"}')
            time.sleep(0.001)
        return False

    def kill(self) -> None:
        """Kill all processes of the search."""
        pids = [self.process.pid, *descendants(self.process.pid)]
        for pid in pids:
            kill(pid)
        self.process.wait()
        wait_for_end(pids)

    def worker(self, rank: int) -> int:
        """The process of a rank.

        Raises:
            UserError: it has ended.
        """
        for pid in descendants(self.process.pid):
            with suppress(OSError):
                folder = Path('/proc') / str(pid)
                words = (folder / 'cmdline').read_bytes().split(b'\0')
                settings = (folder / 'environ').read_bytes().split(b'\0')
                # The shell around it has the same words behind its own.
                if words[1].endswith(b'search.py') and f'RANK={rank}'.encode() in settings:
                    return pid
        raise UserError(f'rank {rank} of {self.name} has ended; use more --candidates')

    def starts(self) -> Counter[str]:
        """How often each arch has been started with."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return Counter(line[6:] for line in lines if line.startswith('start '))

    def written(self) -> list[str]:
        """The archs of all complete lines of results."""
        lines = [
            line
            for file in self.work_dir.glob('candidates*.jsonl')
            for line in file.read_bytes().split(b'\n')[:-1]
        ]
        return [json.dumps(json.loads(line)['arch']) for line in lines]

    def bytes_written(self) -> int:
        """Size of all results."""
        return sum(file.stat().st_size for file in self.work_dir.glob('candidates*.jsonl'))

    def result(self) -> dict[int, Any]:
        """Everything that must be equal at the end."""
        return {
            c.index: {k: v for k, v in json.loads(c.to_json()).items() if k != 'seconds'}
            for c in read_candidates(self.work_dir)
        }

    def differences(self, other: Run) -> list[str]:
        """What two finished searches disagree about: candidates, scores, costs, or the best ones."""
        mine, theirs = self.result(), other.result()
        different = [
            f'candidate {index}'
            for index in sorted(mine.keys() | theirs.keys())
            if mine.get(index) != theirs.get(index)
        ]
        for name in ('best.md', 'best/01.json', 'pareto.md', 'export.md', SEARCH_FILE):
            texts = []
            for run in (self, other):
                path = run.work_dir / name
                text = path.read_text() if path.exists() else 'missing'
                texts.append(text.replace(str(run.folder), ''))
            different += [name] if texts[0] != texts[1] else []
        return different


def environment() -> dict[str, str]:
    """One thread a process, so that all runs compute the same to the last bit, and a free port."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get('PYTHONPATH')]))
    own = dict(PYTHONPATH=path, OMP_NUM_THREADS='1', PYTHON=sys.executable, PORT=str(port))
    return {**os.environ, **own}


def prepare(root: Path) -> None:
    """Make images, and train a supernet just enough for its candidates to have different scores."""
    make_demo_data(root / 'data', seed=0, train=40, val=2, size=128)
    base = str(configs_dir() / 'demo' / 'bfbox_search_demo.py')
    (root / 'search.py').write_text(CONFIG.format(base=base))
    words = [sys.executable, 'tools/train.py', root / 'search.py', '--work-dir', root / 'supernet']
    words += ['--data-root', root / 'data']
    done = subprocess.run(words, cwd=ROOT, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise UserError(f'the supernet could not be trained: {done.stderr[-2000:]}')
    (root / 'supernet' / 'iter_60.pth').rename(root / 'supernet.pth')
