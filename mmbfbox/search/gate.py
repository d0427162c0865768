"""What a strategy proposes, let in or turned away before it costs anything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mmbfbox.errors import UserError
from mmbfbox.search.limits import LATENCY, Costs, Limits
from mmbfbox.space import Arch

TRIES_WITHOUT_LUCK = 20_000
"""Proposals rejected in a row before the limits are called impossible (a tenth of a second each 1,000)."""


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
    """

    costs: Costs
    limits: Limits
    latency: Callable[[Arch], float] | None = None
    tries: int = TRIES_WITHOUT_LUCK
    _known: set[Arch] = field(default_factory=set)
    _unlucky: int = 0
    _seen: dict[str, tuple[float, float]] = field(default_factory=dict)

    def admit(self, arch: Arch) -> dict[str, float] | None:
        """The costs of ``arch`` if it is let in, else None. The same network gets in only once.

        Raises:
            UserError: nothing was let in for a long time; it tells the costs that were seen.
        """
        costs: dict[str, float] = dict(self.costs.of(arch))
        form = arch.canonical()
        welcome = self.limits.allow(costs) and form not in self._known
        if welcome and self.latency is not None:
            costs[LATENCY] = self.latency(form)
            welcome = self.limits.allow(costs)
        if welcome:
            self._known.add(form)
            self._unlucky = 0
            self._seen.clear()
            return costs
        for name, value in costs.items():
            low, high = self._seen.get(name, (value, value))
            self._seen[name] = min(low, value), max(high, value)
        self._unlucky += 1
        if self._unlucky >= self.tries:
            raise UserError(self._no_luck())
        return None

    def _no_luck(self) -> str:
        """Why the search gave up, with the costs that it saw."""
        ranges = [f'{name} {low:.3g} to {high:.3g}' for name, (low, high) in self._seen.items()]
        limits = {cost: dict(bound) for cost, bound in self.limits.bounds.items()}
        return (
            f'{self._unlucky} proposals in a row were outside of the limits {limits} or proposed '
            f'already; their costs were {", ".join(ranges)}: widen the limits or ask for fewer '
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
