"""Files of many records: one JSON object a line, only ever appended to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from mmbfbox.artifacts.base import Artifact
from mmbfbox.errors import UserError
from mmbfbox.space.arch import Arch


@dataclass(frozen=True)
class Line(Artifact):
    """A line of a JSON-lines file.

    It names its schema from the second one on. So lines of all versions so far are the same, a file may
    hold lines of both, and thousands of lines do not repeat what goes without saying.
    """

    ADVICE: ClassVar[str] = 'remove the line and run again'

    def named_plain(self) -> dict[str, Any]:
        """What the line holds, with its schema unless that is the first."""
        return self.to_plain() if self.SCHEMA == 1 else super().named_plain()


def read_arch(data: dict[str, Any]) -> Arch:
    """The arch of a line.

    Raises:
        ValueError: it is malformed; the line is damaged then.
    """
    try:
        return Arch.from_dict(data)
    except UserError as error:
        raise ValueError(str(error)) from error
