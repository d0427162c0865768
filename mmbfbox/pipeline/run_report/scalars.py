"""What mmengine logs of a training, from the JSON lines that it leaves in the work dir."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Points = list[list[float]]
"""Pairs of an iteration and a value, by iteration."""

POINTS = 600
"""Most points of a curve on a page."""

_NO_CURVES = frozenset({'iter', 'step', 'epoch', 'time', 'data_time', 'memory'})


@dataclass(frozen=True)
class Logged:
    """The log of a training.

    Attributes:
        curves: means since the pair before, by name (``loss``, ``loss_cls``, ``lr``, ...).
        validation: scores of validations, by name (``wider/hard``, ...).
        iterations: how far it got.
        seconds: that these took, without validation and checkpoints; of a run that was interrupted only
            what its last log of each iteration says.
    """

    curves: dict[str, Points]
    validation: dict[str, Points]
    iterations: int
    seconds: float


def read_scalars(work_dir: Path, val_interval: int = 1, max_iters: int | None = None) -> Logged:
    """Read ``*/vis_data/scalars.json`` of all starts of a run; what a later start logs again counts.

    A line that was cut off when the run was killed is passed over. The log does not say when a validation
    was: it is taken for the next one that the interval gives, after the last iteration that is logged.

    Args:
        work_dir: of the training.
        val_interval: iterations between two validations.
        max_iters: after which the training ends, with a validation.
    """
    curves: defaultdict[str, dict[int, float]] = defaultdict(dict)
    validation: defaultdict[str, dict[int, float]] = defaultdict(dict)
    times: dict[int, float] = {}
    # A start may begin with the validation that was due when the one before was killed.
    at = validated = 0
    for file in sorted(work_dir.glob('*/vis_data/scalars.json')):
        for line in _lines(file):
            # A validation's own step counts epochs, of which there is none.
            if 'iter' not in line and 'data_time' in line:
                kind, validated = validation, -(-at // val_interval) * val_interval
                validated = min(validated, max_iters or validated)
            else:
                kind, at = curves, int(line.get('iter', line.get('step', at)))
            if 'time' in line and kind is curves:
                times[at] = line['time']
            for name, value in line.items():
                if name not in _NO_CURVES and _is_number(value):
                    kind[name][at if kind is curves else validated] = float(value)
    steps = sorted(times)
    lengths = [step - before for before, step in zip([0, *steps], steps)]
    return Logged(
        {name: _points(values) for name, values in sorted(curves.items())},
        {name: _points(values) for name, values in validation.items()},
        max((step for values in curves.values() for step in values), default=0),
        sum(length * times[step] for length, step in zip(lengths, steps)),
    )


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    for text in file.read_text(encoding='utf-8', errors='replace').splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict):
            yield line


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _points(values: dict[int, float]) -> Points:
    """All pairs, or evenly spread ones and the last."""
    steps = sorted(values)
    stride = -(-len(steps) // POINTS)
    kept = sorted({*steps[::stride], steps[-1]})
    return [[step, float(f'{values[step]:.5g}')] for step in kept]
