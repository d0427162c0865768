"""What a supernet says of the networks of the pool, under each treatment of batch norm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.common.pool import Member
from benchmarks.common.recorded_runs import RECORDS
from mmbfbox.artifacts.base import Artifact
from mmbfbox.evaluation.wider.noise import EVEN, ODD
from mmbfbox.search.denoising import arch_features, denoise
from mmbfbox.space import Arch
from mmbfbox.utils.fingerprint import fingerprint

Floats = NDArray[np.float64]

FOLDER = RECORDS / 'pool_scores'
METRIC = 'medium'
OTHERS = 'others'
"""Under this name stand archs outside of the pool, which a fit learns from."""

DENOISED_WAY = 'crops'
"""Treatment of batch norm whose scores are denoised."""


@dataclass(frozen=True)
class PoolScores(Artifact):
    """Scores by one supernet.

    Attributes:
        supernet: its name.
        crops: training images that it has seen, each time counted.
        weights: ``'raw'`` or ``'ema'``.
        scores: of each way of treating batch norm, arch as text to its scores by name.
        zero_cost: arch as text to zero-cost scores by name.
        fingerprint: of the weights, so that those of two supernets are never mixed; None of older records.
    """

    KIND: ClassVar[str] = 'scores of the pool'
    ADVICE: ClassVar[str] = 'remove it, and benchmarks/pool/score.py makes it anew'

    supernet: str
    crops: int
    weights: str
    scores: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    zero_cost: dict[str, dict[str, float]] = field(default_factory=dict)
    fingerprint: str | None = None


def fingerprint_of(weights: Mapping[str, Tensor]) -> str:
    """Twelve digits that tell the weights of one supernet from those of another."""
    parts = (
        name.encode() + bytes(value.numpy().tobytes()) for name, value in sorted(weights.items())
    )
    return fingerprint(b''.join(parts))


def read_scores(folder: Path = FOLDER) -> list[PoolScores]:
    """All that were recorded, by the crops that the supernets have seen.

    Raises:
        UserError: one is damaged.
    """
    found = [PoolScores.read(path) for path in sorted(folder.glob('*.json'))]
    return sorted(found, key=lambda scores: (scores.crops, scores.supernet, scores.weights))


def score_columns(
    members: Sequence[Member], scores: Sequence[PoolScores], costs: Mapping[str, Sequence[float]]
) -> dict[str, Floats]:
    """Every score that could order the networks: a column for each, where all networks have it.

    Args:
        members: the networks.
        scores: of supernets.
        costs: further columns, like multiply-adds.
    """
    names = [str(member.arch) for member in members]
    columns = {name: np.asarray(values, dtype=float) for name, values in costs.items()}
    for each in scores:
        title = f'{each.supernet}{" EMA" if each.weights == "ema" else ""}'
        for way, of_archs in each.scores.items():
            if all(name in of_archs for name in names):
                columns[f'{title}, {way}'] = np.array([of_archs[name][METRIC] for name in names])
        denoised = denoised_column(members, each)
        if denoised is not None:
            columns[f'{title}, {DENOISED_WAY}, denoised'] = denoised
        for proxy in ('naswot', 'zico'):
            if all(proxy in each.zero_cost.get(name, {}) for name in names):
                columns[proxy] = np.array([each.zero_cost[name][proxy] for name in names])
    return columns


def denoised_column(members: Sequence[Member], scores: PoolScores) -> Floats | None:
    """Denoised scores of the networks, from a fit to them and to all other archs that were scored."""
    of_archs = scores.scores.get(DENOISED_WAY, {})
    names = [str(member.arch) for member in members]
    if len(of_archs) < 20 or not all(name in of_archs for name in names):
        return None
    texts = [*names, *(text for text in of_archs if text not in set(names))]
    keys = (METRIC, METRIC + EVEN, METRIC + ODD)
    if not all(key in of_archs[text] for text in texts for key in keys):
        return None
    raw, even, odd = (np.array([of_archs[text][key] for text in texts]) for key in keys)
    features = arch_features([Arch.parse(text) for text in texts])
    found: Any = denoise(features, raw, even, odd).scores
    return found[: len(names)]
