"""Runs a program in a fork of the server, within a time limit, whatever becomes of it."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = (
    'mmbfbox.command_line',
    'mmbfbox.models',
    'mmbfbox.datasets',
    'mmbfbox.engine',
    'mmbfbox.evaluation.metrics',
    'mmbfbox.evaluation.files',
    'mmbfbox.evaluation.plots',
)
"""What every tool needs."""
OF_TRAINING = (
    'mmbfbox.export',
    'mmbfbox.inference',
    'mmbfbox.search.report',
    'torch._dynamo',
    'torch.utils.tensorboard',
    'yapf.yapflib.yapf_api',
    'skimage',
)
"""What only long runs need, some of it imported late and slowly."""
GRACE = 120
"""Seconds beyond a case's limit after which the server itself is taken for lost."""
START = 600
"""Seconds that the server may take to start, on a machine that is very busy."""
USUAL_START = 10
"""Seconds that it takes on a machine that is not: one that takes longer gets more time for each case, too."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended.

    Args:
        status: exit code, negative for the signal that ended it; None if it did not end in time.
        stdout: what it printed.
        stderr: what it printed there.
        seconds: that it took.
    """

    status: int | None
    stdout: str
    stderr: str
    seconds: float


class Client:
    """A server that is started when it is needed, and again when it was lost.

    Args:
        logs: folder for what programs print.
        libraries: that are loaded before any program starts.
        seconds: that a program may take on a machine that has nothing else to do.
    """

    def __init__(
        self, logs: Path, libraries: Sequence[str] = LIBRARIES, seconds: float = 60
    ) -> None:
        self.logs = logs
        self.libraries = libraries
        self.seconds = seconds
        self._slower = 1.0
        self._server: subprocess.Popen[str] | None = None

    def run(self, script: Path, arguments: Sequence[str], folder: Path) -> Outcome:
        """Run a script with these arguments in a folder."""
        out, err = self.logs / 'stdout.txt', self.logs / 'stderr.txt'
        request = dict(
            script=str(script),
            arguments=list(arguments),
            folder=str(folder),
            stdout=str(out),
            stderr=str(err),
        )
        answer = self._ask(request)
        texts = [path.read_text(errors='replace') if path.exists() else '' for path in (out, err)]
        return Outcome(answer['status'], texts[0], texts[1], answer['seconds'])

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._server is None or self._server.poll() is not None:
            self._start()
        assert self._server and self._server.stdin and self._server.stdout
        seconds = self.seconds * self._slower
        self._server.stdin.write(json.dumps({**request, 'seconds': seconds}) + '\n')
        self._server.stdin.flush()
        answer = _line(self._server.stdout, seconds + GRACE)
        if answer is None:
            self.close()
            return {'status': None, 'seconds': seconds + GRACE}
        return answer

    def _start(self) -> None:
        environment = {
            **os.environ,
            'PYTHONPATH': str(ROOT),
            'OMP_NUM_THREADS': '1',
            'PYTHONWARNINGS': 'ignore',
            'MPLBACKEND': 'agg',
        }
        begin = time.monotonic()
        self._server = subprocess.Popen(
            [sys.executable, '-m', 'tests.abuse.server', *self.libraries],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._server.stdout
        if _line(self._server.stdout, START) is None:
            self.close()
            raise RuntimeError('the server does not start; what it printed stands above')
        self._slower = max(1.0, (time.monotonic() - begin) / USUAL_START)

    def close(self) -> None:
        """End the server."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None


def _line(stream: IO[str], seconds: float) -> dict[str, Any] | None:
    """The next answer; None if none comes."""
    if not select.select([stream], [], [], seconds)[0]:
        return None
    text = stream.readline()
    return json.loads(text) if text else None
