"""A line of ``latencies.jsonl``: how long an arch takes on the device of a search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mmbfbox.artifacts.lines import Line, read_arch
from mmbfbox.space.arch import Arch


@dataclass(frozen=True)
class MeasuredLatency(Line):
    """What was measured of an arch.

    Args:
        arch: the arch.
        latency_ms: milliseconds of one image.
    """

    KIND: ClassVar[str] = 'a measured latency'

    arch: Arch
    latency_ms: float

    def to_plain(self) -> dict[str, Any]:
        """The arch as lists of names."""
        return dict(arch=self.arch.to_dict(), latency_ms=self.latency_ms)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> MeasuredLatency:
        """With an arch."""
        return cls(read_arch(data['arch']), float(data['latency_ms']))
