"""Limits on what a candidate may cost; they reject before anything is scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.space import Arch, CostTable

LATENCY = 'latency_ms'
COUNTED = ('backbone_macs', 'detector_macs', 'params')
COSTS = (*COUNTED, LATENCY)


@dataclass(frozen=True)
class Limits:
    """Lowest and highest cost of a candidate.

    Args:
        bounds: for some of ``backbone_macs`` (multiply-adds at 224x224, as in the paper's table 9),
            ``detector_macs`` (multiply-adds at the size that is scored), ``params`` (of the detector)
            and ``latency_ms`` (measured on the device of the search), a mapping with ``min``, ``max``
            or both. A bound of None is no bound.

    Raises:
        UserError: an unknown cost or bound, no number, or a minimum above its maximum.
    """

    bounds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kept: dict[str, dict[str, float]] = {}
        for cost, bound in self.bounds.items():
            if (
                cost not in COSTS
                or not isinstance(bound, Mapping)
                or not set(bound) <= {'min', 'max'}
                or not all(value is None or _is_number(value) for value in bound.values())
            ):
                shown = dict(bound) if isinstance(bound, Mapping) else bound
                raise UserError(
                    f'the limit {cost}={shown} is not known; limit {", ".join(COSTS)} by numbers "min" '
                    f'and "max", like backbone_macs=dict(max=2.9e9)'
                )
            kept[cost] = {key: value for key, value in bound.items() if value is not None}
            if kept[cost].get('min', 0) > kept[cost].get('max', float('inf')):
                raise UserError(f'the limit {cost}={kept[cost]} has a minimum above its maximum')
        object.__setattr__(self, 'bounds', {cost: bound for cost, bound in kept.items() if bound})

    def broken(self, costs: Mapping[str, float]) -> str | None:
        """The first of the given costs that is out of its bounds; None if all are within them."""
        for cost, bound in self.bounds.items():
            if cost in costs:
                low, high = bound.get('min', 0), bound.get('max', float('inf'))
                if not low <= costs[cost] <= high:
                    return cost
        return None


@dataclass(frozen=True)
class Costs:
    """The costs of archs that can be counted, as candidates note them.

    Args:
        paper: costs at 224x224.
        detector: costs at the size that is scored.
    """

    paper: CostTable
    detector: CostTable

    def of(self, arch: Arch) -> dict[str, int]:
        """``backbone_macs``, ``detector_macs`` and ``params``."""
        whole = self.detector.detector(arch)
        return {
            'backbone_macs': self.paper.backbone(arch.stages).macs,
            'detector_macs': whole.macs,
            'params': whole.params,
        }


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value) >= 0
