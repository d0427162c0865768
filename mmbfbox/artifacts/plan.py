"""``plan.json``: how far a search has got with choosing its candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mmbfbox.artifacts.base import Artifact

PLAN_FILE = 'plan.json'


@dataclass(frozen=True)
class Plan(Artifact):
    """What a search has planned so far.

    Args:
        wanted: how many candidates were asked for.
        planned: how many of them are chosen.
        rejected: how many proposals were rejected before scoring, by reason.
    """

    KIND: ClassVar[str] = 'the plan of a search'
    ADVICE: ClassVar[str] = 'remove it; the search writes it anew'

    wanted: int
    planned: int
    rejected: dict[str, int]
