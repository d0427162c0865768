"""Architectures as rows of numbers: one column for each choice of a slot, each merge, and each cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmbfbox.space import Arch

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """What an additive fit is made of.

    Attributes:
        names: of the columns, like ``c3 slot 2 dw5``, ``p4 + c5`` and ``log macs``.
        matrix: ``(archs, columns)``; choices and merges are 0 or 1, numbers have mean 0 and variance 1.
    """

    names: tuple[str, ...]
    matrix: Floats


def arch_features(
    archs: Sequence[Arch], numbers: Mapping[str, Sequence[float]] | None = None
) -> Features:
    """Columns for what the archs differ in.

    Args:
        archs: of one space.
        numbers: further columns, like the logarithm of multiply-adds, or zero-cost scores; one value for
            each arch.

    Example:
        >>> from mmbfbox.space import Merge
        >>> archs = [Arch(((name,),), (Merge(2, 'c3'),)) for name in ('conv3', 'dw5')]
        >>> features = arch_features(archs)
        >>> features.names, features.matrix.tolist()
        (('c2 slot 1 conv3', 'c2 slot 1 dw5'), [[1.0, 0.0], [0.0, 1.0]])
    """
    rows = [_things(arch) for arch in archs]
    found = dict.fromkeys(name for row in rows for name in row)
    # What all have says nothing.
    names = [name for name in found if not all(name in row for row in rows)]
    columns = [[float(name in row) for row in rows] for name in names]
    for name, values in (numbers or {}).items():
        column = np.asarray(values, dtype=float)
        if column.std() > 0:
            names.append(name)
            columns.append(list((column - column.mean()) / column.std()))
    return Features(tuple(names), np.array(columns, dtype=float).reshape(len(names), len(archs)).T)


def _things(arch: Arch) -> dict[str, None]:
    choices = (
        f'{level} slot {number} {choice}'
        for level, stage in zip(_levels(arch), arch.stages, strict=True)
        for number, choice in enumerate(stage, 1)
    )
    return dict.fromkeys(
        [*choices, *(f'p{merge.target} + {merge.source}' for merge in arch.merges)]
    )


def _levels(arch: Arch) -> list[str]:
    return [line.partition(':')[0] for line in str(arch).splitlines()[: len(arch.stages)]]
