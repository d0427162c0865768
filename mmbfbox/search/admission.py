"""What a strategy proposes, let in or turned away before it costs anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from mmbfbox.errors import UserError
from mmbfbox.search.constraints import LATENCY, Costs, Limits
from mmbfbox.space import Arch

TRIES_WITHOUT_LUCK = 20_000
"""Proposals rejected in a row before the limits are called impossible (a tenth of a second each 1,000)."""

MEASUREMENTS_WITHOUT_LUCK = 500
"""Measured latencies rejected in a row before that; each costs a dozen runs of a network."""

KNOWN = 'proposed already'


@dataclass(frozen=True)
class Task:
    """An arch that will be scored.

    Args:
        index: its number in the strategy's sequence.
        arch: the arch.
        costs: its costs by name, with ``latency_ms`` if that is measured.
    """

    index: int
    arch: Arch
    costs: dict[str, float]


@dataclass
class Gate:
    """Lets in what is within the limits and new.

    Args:
        costs: counts costs.
        limits: what is allowed.
        latency: measures milliseconds of an arch; None if latency is of no interest. It is asked only
            for archs that pass everything else.
        tries: proposals turned away in a row before it gives up.
        measurements: how many of them may be measured before it gives up.

    Attributes:
        rejected: how many proposals were turned away, by the cost that is out of its limits or
            ``'proposed already'``.
    """

    costs: Costs
    limits: Limits
    latency: Callable[[Arch], float] | None = None
    tries: int = TRIES_WITHOUT_LUCK
    measurements: int = MEASUREMENTS_WITHOUT_LUCK
    rejected: Counter[str] = field(default_factory=Counter, init=False)
    _known: set[Arch] = field(default_factory=set)
    _unlucky: int = 0
    _measured: int = 0
    _seen: dict[str, tuple[float, float]] = field(default_factory=dict)

    def admit(self, arch: Arch) -> dict[str, float] | None:
        """The costs of ``arch`` if it is let in, else None. The same network gets in only once.

        Raises:
            UserError: nothing was let in for a long time; it tells the costs that were seen.
        """
        costs: dict[str, float] = dict(self.costs.of(arch))
        form = arch.canonical()
        reason = self.limits.broken(costs) or (KNOWN if form in self._known else None)
        if reason is None and self.latency is not None:
            costs[LATENCY] = self.latency(form)
            reason = self.limits.broken(costs)
        if reason is None:
            self._known.add(form)
            self._unlucky = self._measured = 0
            self._seen.clear()
            return costs
        self.rejected[reason] += 1
        for name, value in costs.items():
            low, high = self._seen.get(name, (value, value))
            self._seen[name] = min(low, value), max(high, value)
        self._unlucky += 1
        self._measured += LATENCY in costs
        if self._unlucky >= self.tries or self._measured >= self.measurements:
            raise UserError(self._no_luck())
        return None

    def _no_luck(self) -> str:
        """Why the search gave up, with the costs that it saw."""
        ranges = [f'{name} {low:.3g} to {high:.3g}' for name, (low, high) in self._seen.items()]
        limits = {cost: dict(bound) for cost, bound in self.limits.bounds.items()}
        measured = f' ({self._measured} of them were measured)' if self._measured else ''
        return (
            f'{self._unlucky} proposals in a row{measured} were outside of the limits {limits} or '
            f'proposed already; their costs were {", ".join(ranges)}: widen the limits or ask for fewer '
            f'candidates'
        )


@dataclass
class Proposals:
    """One round of a search, while a strategy fills it.

    Args:
        gate: decides.
        index: number of the next proposal; it counts all proposals of the search.
        wanted: how many tasks the round shall have.
    """

    gate: Gate
    index: int
    wanted: int
    tasks: list[Task] = field(default_factory=list)

    @property
    def full(self) -> bool:
        """Whether there are enough."""
        return len(self.tasks) >= self.wanted

    def offer(self, arch: Arch) -> bool:
        """Propose an arch under the next number; whether it was let in.

        Raises:
            UserError: nothing was let in for a long time.
        """
        number = self.index
        self.index += 1
        costs = self.gate.admit(arch)
        if costs is None:
            return False
        self.tasks.append(Task(number, arch, costs))
        return True
