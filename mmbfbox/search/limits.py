"""Limits on what a candidate may cost; they reject before anything is scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmbfbox.errors import UserError
from mmbfbox.space import Arch, CostTable

COSTS = ('backbone_macs', 'detector_macs', 'params')


@dataclass(frozen=True)
class Limits:
    """Lowest and highest cost of a candidate.

    Args:
        bounds: for some of ``backbone_macs`` (multiply-adds at 224x224, as in the paper's table 9),
            ``detector_macs`` (multiply-adds at the size that is scored) and ``params`` (of the
            detector), a mapping with ``min``, ``max`` or both.

    Raises:
        UserError: an unknown cost or bound, or a minimum above its maximum.
    """

    bounds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cost, bound in self.bounds.items():
            if cost not in COSTS or not set(bound) <= {'min', 'max'}:
                raise UserError(
                    f'the limit {cost}={dict(bound)} is not known; limit {", ".join(COSTS)} by '
                    f'"min" and "max", like backbone_macs=dict(max=2.9e9)'
                )
            if bound.get('min', 0) > bound.get('max', float('inf')):
                raise UserError(f'the limit {cost}={dict(bound)} has a minimum above its maximum')

    def allow(self, costs: Mapping[str, float]) -> bool:
        """Whether all costs are within their bounds."""
        return all(
            bound.get('min', 0) <= costs[cost] <= bound.get('max', float('inf'))
            for cost, bound in self.bounds.items()
        )


@dataclass(frozen=True)
class Costs:
    """The costs of archs, as candidates note them.

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
