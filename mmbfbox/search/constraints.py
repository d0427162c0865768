"""Constraints on what a candidate may cost: what breaks them is rejected before it is scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.space import Arch, CostTable

LATENCY = 'latency_ms'
COUNTED = ('backbone_macs', 'detector_macs', 'params')
COSTS = (*COUNTED, LATENCY)

TRIES_WITHOUT_LUCK = 20_000
"""Proposals rejected in a row before no other one is expected (0.1 s each 1,000)."""

MEASUREMENTS_WITHOUT_LUCK = 500
"""Measured latencies rejected in a row before that; each costs a dozen runs of a network."""

COUNTABLE = 100_000
"""Networks of a space up to which it is noted which of them the constraints forbid."""

KNOWN = 'proposed already'


@dataclass(frozen=True)
class Constraints:
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
                    f'the constraint {cost}={shown} is not known; constrain {", ".join(COSTS)} by numbers '
                    f'"min" and "max", like backbone_macs=dict(max=2.9e9)'
                )
            kept[cost] = {key: value for key, value in bound.items() if value is not None}
            if kept[cost].get('min', 0) > kept[cost].get('max', float('inf')):
                raise UserError(
                    f'the constraint {cost}={kept[cost]} has a minimum above its maximum; lower it'
                )
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
class CostCounter:
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


@dataclass(frozen=True)
class Proposal:
    """An accepted arch, which will be scored.

    Args:
        index: its number in the sampler's sequence.
        arch: the arch.
        costs: its costs by name, with ``latency_ms`` if that is measured.
    """

    index: int
    arch: Arch
    costs: dict[str, float]


@dataclass
class CandidateFilter:
    """Accepts archs that are new and within the constraints.

    Args:
        costs: counts costs.
        constraints: what a candidate may cost.
        latency: measures milliseconds of an arch; None if latency is of no interest. It is asked only
            for archs that pass everything else.
        networks: how many different networks can be proposed; None if that is not known.

    Attributes:
        rejected: how many proposals were turned away, by the cost that is out of its bounds or
            ``'proposed already'``.
        exhausted: whether no other network is to be expected: each was proposed, or nothing was accepted
            for a long time.
    """

    costs: CostCounter
    constraints: Constraints
    latency: Callable[[Arch], float] | None = None
    networks: int | None = None
    rejected: Counter[str] = field(default_factory=Counter, init=False)
    exhausted: bool = field(default=False, init=False)
    _known: set[Arch] = field(default_factory=set)
    _forbidden: set[Arch] = field(default_factory=set)
    _unlucky: int = 0
    _measured: int = 0
    _seen: dict[str, tuple[float, float]] = field(default_factory=dict)

    def accept(self, arch: Arch) -> dict[str, float] | None:
        """The costs of ``arch`` if it is accepted, else None. The same network is accepted only once.

        Raises:
            UserError: the constraints allow nothing at all; it tells the costs that were seen.
        """
        costs: dict[str, float] = dict(self.costs.of(arch))
        form = arch.canonical()
        reason = self.constraints.broken(costs) or (KNOWN if form in self._known else None)
        if reason is None and self.latency is not None:
            costs[LATENCY] = self.latency(form)
            reason = self.constraints.broken(costs)
        if reason is None:
            self._known.add(form)
            self._unlucky = self._measured = 0
            self._seen.clear()
            self.exhausted = self.complete
            return costs
        self.rejected[reason] += 1
        for name, value in costs.items():
            low, high = self._seen.get(name, (value, value))
            self._seen[name] = min(low, value), max(high, value)
        self._unlucky += 1
        self._measured += LATENCY in costs
        if reason != KNOWN and self.networks is not None and self.networks <= COUNTABLE:
            self._forbidden.add(form)
        long_ago = (
            self._unlucky >= TRIES_WITHOUT_LUCK or self._measured >= MEASUREMENTS_WITHOUT_LUCK
        )
        self.exhausted = self.complete or long_ago
        if self.exhausted and not self._known:
            raise UserError(self._no_luck())
        return None

    @property
    def complete(self) -> bool:
        """Whether every network of the space was accepted or is forbidden, which is certain then."""
        return (
            self.networks is not None and len(self._known) + len(self._forbidden) >= self.networks
        )

    def ending(self, failed: int = 0) -> str:
        """What a search says that has scored all there is.

        Args:
            failed: how many of the accepted archs could not be scored.
        """
        number, allowed = len(self._known), ' that the constraints allow' if self._limited else ''
        done = f'dealt with, {failed} of them could not be scored' if failed else 'scored'
        if self.complete:
            return f'all {number} archs {done}{allowed}'
        return (
            f'{number} archs {done}; {self._unlucky} proposals in a row after them brought no other one'
            f'{allowed}'
        )

    @property
    def _limited(self) -> bool:
        return bool(self.constraints.bounds)

    def _no_luck(self) -> str:
        """Why the search gave up, with the costs that it saw."""
        ranges = [f'{name} {low:.3g} to {high:.3g}' for name, (low, high) in self._seen.items()]
        constraints = {cost: dict(bound) for cost, bound in self.constraints.bounds.items()}
        measured = f' ({self._measured} of them were measured)' if self._measured else ''
        return (
            f'{self._unlucky} proposals in a row{measured} were outside of the constraints {constraints}, '
            f'and none within; their costs were {", ".join(ranges)}: widen the constraints'
        )


@dataclass
class Proposals:
    """One round of a search, while a sampler fills it.

    Args:
        candidate_filter: accepts or rejects.
        index: number of the next proposal; it counts all proposals of the search.
        wanted: how many proposals the round shall have.

    Attributes:
        accepted: those that it has.
    """

    candidate_filter: CandidateFilter
    index: int
    wanted: int
    accepted: list[Proposal] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether there are enough, or no other one is to be expected."""
        return len(self.accepted) >= self.wanted or self.candidate_filter.exhausted

    def offer(self, arch: Arch) -> bool:
        """Propose an arch under the next number; whether it was accepted.

        Raises:
            UserError: the constraints allow nothing at all.
        """
        number = self.index
        self.index += 1
        costs = self.candidate_filter.accept(arch)
        if costs is None:
            return False
        self.accepted.append(Proposal(number, arch, costs))
        return True


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and float(value) >= 0
