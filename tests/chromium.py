"""Pages in real Chromium, driven over its DevTools protocol through a pipe; no package is needed."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

NAMES = ('chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable')
PATIENCE = 60.0
_FLAGS = (
    '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--force-device-scale-factor=1',
    '--remote-debugging-pipe',
)  # fmt: skip


def find_chromium() -> str:
    """The program; a test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip('there is no Chromium; install it: apt-get install chromium')
    return found


class Chromium:
    """A browser with one page, as a context.

    Args:
        flags: of the command line, beside those of a test.

    Attributes:
        faults: what the page has thrown or logged as an error.
        requests: addresses that the page has asked for.
    """

    def __init__(self, *flags: str) -> None:
        self._profile = tempfile.TemporaryDirectory(prefix='chromium', ignore_cleanup_errors=True)
        theirs, self._to = os.pipe()
        self._from, answers = os.pipe()
        words = [find_chromium(), *_FLAGS, f'--user-data-dir={self._profile.name}', *flags]
        # Chromium reads from 3 and writes to 4.
        self._process = subprocess.Popen(
            ['bash', '-c', f'exec "$@" 3<&{theirs} 4>&{answers}', 'bash', *words],
            pass_fds=(theirs, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs)
        os.close(answers)
        self._read, self._number, self._session = b'', 0, None
        self.faults: list[str] = []
        self.requests: list[str] = []
        page = self.call('Target.createTarget', url='about:blank')['targetId']
        attached = self.call('Target.attachToTarget', targetId=page, flatten=True)
        self._session = attached['sessionId']
        for domain in ('Page', 'Runtime', 'DOM', 'Log', 'Network'):
            self.call(f'{domain}.enable')

    def __enter__(self) -> Chromium:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def call(self, method: str, **params: Any) -> Any:
        """One command of the protocol, and its result."""
        self._number += 1
        message = {'id': self._number, 'method': method, 'params': params}
        if self._session:
            message['sessionId'] = self._session
        os.write(self._to, json.dumps(message).encode() + b'\0')
        while (answer := self._next()).get('id') != self._number:
            self._note(answer)
        if 'error' in answer:
            raise RuntimeError(f'{method}: {answer["error"]["message"]}')
        return answer['result']

    def _next(self) -> dict[str, Any]:
        while b'\0' not in self._read:
            if not select.select([self._from], [], [], PATIENCE)[0]:
                raise TimeoutError(f'Chromium says nothing for {PATIENCE} s')
            part = os.read(self._from, 1 << 16)
            if not part:
                raise RuntimeError('Chromium has ended')
            self._read += part
        message, _, self._read = self._read.partition(b'\0')
        found: dict[str, Any] = json.loads(message)
        return found

    def _note(self, event: dict[str, Any]) -> None:
        given = event.get('params', {})
        if event.get('method') == 'Runtime.exceptionThrown':
            details = given['exceptionDetails']
            self.faults.append(details.get('exception', {}).get('description', details['text']))
        elif event.get('method') == 'Network.requestWillBeSent':
            self.requests.append(given['request']['url'])
        elif event.get('method') == 'Log.entryAdded' and given['entry']['level'] == 'error':
            self.faults.append(' '.join((given['entry']['text'], given['entry'].get('url', ''))))

    def open(self, address: str, before: str = '') -> None:
        """Go to a page.

        Args:
            address: of the page.
            before: JavaScript that runs before anything of the page.
        """
        if before:
            self.call('Page.addScriptToEvaluateOnNewDocument', source=before)
        self.call('Page.navigate', url=address)
        self.wait_for('document.readyState === "complete" && location.href !== "about:blank"')

    def evaluate(self, script: str) -> Any:
        """The value of an expression of JavaScript, also of a promise."""
        answer = self.call(
            'Runtime.evaluate', expression=script, awaitPromise=True, returnByValue=True
        )
        if 'exceptionDetails' in answer:
            raise RuntimeError(answer['exceptionDetails']['exception'].get('description', script))
        return answer['result'].get('value')

    def wait_for(self, script: str, seconds: float = PATIENCE) -> None:
        """Until an expression is true."""
        end = time.monotonic() + seconds
        while not self.evaluate(script):
            if time.monotonic() > end:
                raise TimeoutError(f'{script} is not true after {seconds} s; faults: {self.faults}')
            time.sleep(0.05)

    def choose_file(self, selector: str, file: Path) -> None:
        """What a user does in the dialogue of a file input."""
        root = self.call('DOM.getDocument')['root']['nodeId']
        node = self.call('DOM.querySelector', nodeId=root, selector=selector)['nodeId']
        self.call('DOM.setFileInputFiles', files=[str(file)], nodeId=node)

    def look_like(self, width: int, height: int, dark: bool = False) -> None:
        """Size of the window in pixels, and whether the user likes it dark."""
        self.call(
            'Emulation.setDeviceMetricsOverride',
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        scheme = {'name': 'prefers-color-scheme', 'value': 'dark' if dark else 'light'}
        self.call('Emulation.setEmulatedMedia', features=[scheme])

    def screenshot(self, path: Path) -> None:
        """Write what is seen as PNG."""
        path.write_bytes(base64.b64decode(self.call('Page.captureScreenshot')['data']))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a folder, as long as the context lasts."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}/'
    finally:
        server.shutdown()
        server.server_close()
