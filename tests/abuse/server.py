"""The process in which cases run: it loads the libraries once and forks for every case.

Each fork is a fresh program: what one case does to registries, loggers or memory is gone with it, and a
native crash or a hang ends that fork alone. Started by :mod:`tests.abuse.client`, never by hand:

    python -m tests.abuse.server LIBRARY ...

A line of JSON on the standard input asks for a run, and a line of JSON answers.
"""

from __future__ import annotations

import atexit
import faulthandler
import gc
import importlib
import json
import os
import resource
import runpy
import select
import signal
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

MEMORY = 6 << 30
"""Bytes that a case may take beyond the libraries; more is refused, as on a small machine."""
FILE = 256 << 20
"""Bytes of the largest file that a case may write."""


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), 'w')
    os.dup2(2, 1)  # what a library prints is no answer
    for library in sys.argv[1:]:
        importlib.import_module(library)
    _without_layout()
    gc.collect()
    gc.freeze()  # the forks need not go through all of it again
    print(json.dumps({'ready': True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        start = time.monotonic()
        child = os.fork()
        if not child:
            _become(request)
        status = _wait(child, request['seconds'])
        answer = {'status': status, 'seconds': time.monotonic() - start}
        print(json.dumps(answer), file=answers, flush=True)


def _without_layout() -> None:
    """Leave out what lays the text of a config out: it takes longer than all else in a short training."""
    from mmengine.config import config

    config.FormatCode = lambda text, **_: (text, True)


def _become(request: dict[str, Any]) -> NoReturn:
    """Run the program that is asked for in this fork, and end as it would.

    Threads are waited for and what was registered for the exit is run; only the second that the
    interpreter takes to free all its memory is saved.
    """
    os.setsid()
    for descriptor, name, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, request['stdout'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, request['stderr'], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        os.dup2(os.open(name, flags, 0o644), descriptor)
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1, all_threads=True)
    pages = Path('/proc/self/statm').read_text().split()[0]
    taken = int(pages) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    os.chdir(request['folder'])
    sys.argv = [request['script'], *request['arguments']]
    try:
        runpy.run_path(request['script'], run_name='__main__')
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _wait(child: int, seconds: float) -> int | None:
    """The child's exit code, negative for a signal; None if it did not end in time."""
    handle = os.pidfd_open(child)
    ended = select.select([handle], [], [], seconds)[0]
    if not ended:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGUSR1)  # it writes where it stands
        ended_late = select.select([handle], [], [], 2)[0]
        del ended_late
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)  # and its workers
    os.close(handle)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status if ended else None


if __name__ == '__main__':
    main()
