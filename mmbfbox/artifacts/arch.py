"""``arch.json``: an architecture, and the space that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact


@dataclass(frozen=True)
class SpaceId:
    """Which search space it is.

    Args:
        hash: twelve hexadecimal digits that tell it from any other.
        name: a short text for people.
    """

    hash: str
    name: str


@dataclass(frozen=True)
class ArchFile(Artifact):
    """What ``best/01.json`` of a search or ``arch.json`` of an exported subnet holds.

    :meth:`mmbfbox.space.JointSpace.from_json` turns its text into an arch of a space.

    Args:
        space: the space of the supernet.
        stages: the names of the choices, slot by slot, for each stage.
        merges: the merges of the pyramid, like ``'p4 = c4 + c6'``, in the order in which they are
            carried out.
    """

    KIND: ClassVar[str] = 'the JSON of an arch'
    ADVICE: ClassVar[str] = 'give a file that a search wrote'

    space: SpaceId
    stages: list[list[str]]
    merges: list[str]

    def to_plain(self) -> dict[str, Any]:
        """The fields in the order of the file."""
        return dict(space=vars(self.space), stages=self.stages, merges=self.merges)

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> ArchFile:
        """With the space's own fields."""
        return cls(SpaceId(**data['space']), data['stages'], data['merges'])
