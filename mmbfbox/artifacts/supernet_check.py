"""``supernet_check.json``: the scores of a few subnets when a supernet's training ends."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.artifacts.numbers import from_json_numbers, to_json_numbers

CHECK_FILE = 'supernet_check.json'


@dataclass(frozen=True)
class CheckedSubnet:
    """A subnet that was scored.

    Args:
        name: ``'cheapest'``, ``'most expensive'`` or ``'random 0'``.
        arch: the arch as text.
        scores: AP of ``easy``, ``medium`` and ``hard``, as fractions; NaN where no face counts.
        backbone_macs: multiply-adds of the backbone at 224x224.
    """

    name: str
    arch: str
    scores: dict[str, float]
    backbone_macs: int


@dataclass(frozen=True)
class SupernetCheck(Artifact):
    """The subnets that were scored, the cheapest and the most expensive first."""

    KIND: ClassVar[str] = 'the check of a supernet'

    subnets: tuple[CheckedSubnet, ...]

    def to_plain(self) -> dict[str, Any]:
        """The subnets as plain values."""
        return dict(
            subnets=[
                asdict(subnet) | dict(scores=to_json_numbers(subnet.scores))
                for subnet in self.subnets
            ]
        )

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> SupernetCheck:
        """With subnets."""
        return cls(
            tuple(
                CheckedSubnet(**{**subnet, 'scores': from_json_numbers(subnet['scores'])})
                for subnet in data['subnets']
            )
        )
