"""``mmbfbox bench``: how long a picture takes on this machine."""

from __future__ import annotations

import argparse
import statistics
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from mmbfbox.deploy.detector import FaceDetector
from mmbfbox.deploy.model_file import PRECISIONS
from mmbfbox.errors import UserError

_WARM_UP = 3


def bench(args: argparse.Namespace) -> int:
    """Time a detector in each back end and precision, taking turns, from pixels to boxes."""
    if not args.rounds:
        raise UserError('--rounds is 0; give 1 or more')
    if args.size == 'original':
        raise UserError(
            '--size is original, and there is no picture; give the longer side or 480x640'
        )
    detectors, missing = {}, []
    # A file is what it is; the int8 file stands beside it.
    precisions = PRECISIONS[: 2 if args.model and Path(args.model).is_file() else 3]
    for backend in ('onnx', 'openvino'):
        for precision in precisions:
            if backend == 'openvino' and find_spec('openvino') is None:
                missing.append('openvino is not installed')
                continue
            try:
                detectors[backend, precision] = FaceDetector(
                    args.model, backend, size=args.size, threads=args.threads, precision=precision
                )
            except UserError as error:
                if precision == 'fp32':
                    raise
                missing.append(f'{backend} {precision}: {error}')
    height, width = (args.size, args.size) if isinstance(args.size, int) else args.size
    picture = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    times: dict[tuple[str, str], list[float]] = {key: [] for key in detectors}
    for number in range(_WARM_UP + args.rounds):
        for key, detector in detectors.items():
            start = time.perf_counter()
            detector.detect(picture)
            if number >= _WARM_UP:
                times[key].append(1000 * (time.perf_counter() - start))
    first = next(iter(detectors.values()))
    threads = f'{first.threads} thread{"s" * (first.threads != 1)}'
    print(f'{first.info.name}, {height}x{width} pixels, {threads}, {args.rounds} rounds\n')
    print('| back end | precision | least ms | median ms | pictures a second |')
    print('|---|---|---|---|---|')
    for (backend, precision), own in times.items():
        middle = statistics.median(own)
        print(f'| {backend} | {precision} | {min(own):.2f} | {middle:.2f} | {1000 / middle:.1f} |')
    for reason in dict.fromkeys(missing):
        print(f'\nleft out: {reason}')
    return 0
