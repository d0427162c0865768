"""Measured latency of archs on the device of the search, each measured once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from mmbfbox.artifacts.latency import MeasuredLatency
from mmbfbox.errors import UserError
from mmbfbox.models import set_arch
from mmbfbox.search.scoring.deployed_latency import BACKENDS
from mmbfbox.space import Arch

DEFAULTS: dict[str, Any] = dict(size=None, warmup=3, repeats=10)
DEPLOYED: dict[str, Any] = dict(backend='torch', threads=1)
"""For latency as deployed; noted only there, so that searches of earlier versions go on."""


@dataclass
class LatencyMeter:
    """Milliseconds of an arch: the median of some runs, after some that do not count.

    Measurements are noisy, so the first one of an arch stands: it is kept in a file, and a search that
    goes on or has several processes decides by the same numbers.

    Args:
        run: runs an arch once and waits until it is done.
        path: JSON-lines file that keeps what was measured; it need not exist.
        warmup, repeats: runs that do not count, and that do.
    """

    run: Callable[[Arch], object]
    path: Path
    warmup: int = 3
    repeats: int = 10
    _known: dict[Arch, float] = field(default_factory=dict)
    _read: int = 0

    def __call__(self, arch: Arch) -> float:
        """Milliseconds of one image."""
        if arch not in self._known:
            self.refresh()
        if arch not in self._known:
            for _ in range(self.warmup):
                self.run(arch)
            milliseconds = round(median(self._time(arch) for _ in range(self.repeats)), 4)
            self._keep(arch, milliseconds)
        return self._known[arch]

    def refresh(self) -> None:
        """Read what has been measured since, by this or another process."""
        if not self.path.exists():
            return
        with self.path.open('rb') as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b'\n'):
                    break
                self._read += len(line)
                try:
                    measured = MeasuredLatency.from_json(line.decode(errors='replace'), self.path)
                except UserError:
                    continue  # cut off by a kill; it is measured again
                self._known.setdefault(measured.arch, measured.latency_ms)

    def _time(self, arch: Arch) -> float:
        start = time.perf_counter()
        self.run(arch)
        return 1000 * (time.perf_counter() - start)

    def _keep(self, arch: Arch, milliseconds: float) -> None:
        line = MeasuredLatency(arch, milliseconds).to_json()
        try:
            with self.path.open('ab+') as file:
                # A kill may have left half a line.
                file.seek(max(file.tell() - 1, 0))
                torn = file.read(1) not in (b'', b'\n')
                file.write(b'\n' * torn + line.encode() + b'\n')
        except OSError as error:
            raise UserError(
                f'cannot write to {self.path}: {error.strerror}; make room and run again, all earlier '
                f'results are intact'
            ) from error
        self._known[arch] = milliseconds


def path_runner(model: nn.Module, size: tuple[int, int], device: str) -> Callable[[Arch], object]:
    """Runs one path of a resident supernet: backbone, pyramid and head on one image.

    Args:
        model: the supernet; it is moved to ``device`` and put into evaluation mode.
        size: height and width of the image in pixels.
        device: where to measure.
    """
    model.to(device).eval()
    image = torch.zeros(1, 3, *size, device=device)

    @torch.no_grad()
    def run(arch: Arch) -> None:
        set_arch(model, arch)
        model(image, mode='tensor')
        if image.is_cuda:
            torch.cuda.synchronize(image.device)

    return run


def latency_settings(settings: Mapping[str, Any] | None, size: tuple[int, int]) -> dict[str, Any]:
    """The keys of ``search.latency``, complete.

    Args:
        settings: some of ``size`` (height and width of the image), ``warmup`` and ``repeats``; and
            ``backend`` (``'torch'``, ``'onnxruntime'`` or ``'openvino'``), with ``threads`` for the
            latter two.
        size: the size that is scored, for which latency is measured by default.

    Raises:
        UserError: a key is unknown or out of range.
    """
    given = dict(settings or {})
    unknown = sorted(set(given) - {*DEFAULTS, *DEPLOYED})
    if unknown:
        raise UserError(
            f'search.latency has the key {unknown[0]!r}, expected {", ".join([*DEFAULTS, *DEPLOYED])}'
        )
    deployed = {key: given.pop(key, value) for key, value in DEPLOYED.items()}
    _check_deployed(deployed)
    complete = {**DEFAULTS, **given}
    sides, warmup, repeats = complete['size'] or size, complete['warmup'], complete['repeats']
    numbers = [*sides, warmup, repeats] if isinstance(sides, (list, tuple)) else []
    whole = len(numbers) == 4 and all(isinstance(number, int) for number in numbers)
    if not whole or min(*sides, repeats) < 1 or warmup < 0:
        raise UserError(
            f'search.latency is {complete}; expected size=(height, width), warmup and repeats in whole '
            f'numbers of 1 or more (warmup may be 0)'
        )
    complete['size'] = list(sides)
    if deployed['backend'] == DEPLOYED['backend']:
        return complete
    if warmup < 1:
        raise UserError(
            f'search.latency.warmup is {warmup}; the first run in {deployed["backend"]} exports the '
            f'network, so expected 1 or more'
        )
    return {**complete, **deployed}


def _check_deployed(deployed: Mapping[str, Any]) -> None:
    backend, threads = deployed['backend'], deployed['threads']
    known = (DEPLOYED['backend'], *BACKENDS)
    if backend not in known:
        raise UserError(
            f'search.latency.backend is {backend!r}, expected one of {", ".join(known)}'
        )
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise UserError(
            f'search.latency.threads is {threads!r}, expected a whole number of 1 or more'
        )
    if backend == DEPLOYED['backend'] and threads != DEPLOYED['threads']:
        raise UserError(
            f'search.latency.threads is {threads}, but torch runs on all that it has; choose '
            f'search.latency.backend onnxruntime or openvino'
        )
