"""Every scored candidate is one line of JSON; nothing that was scored is ever lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.space import Arch
from mmbfbox.utils.files import atomic_write


@dataclass(frozen=True)
class Candidate:
    """A scored arch.

    Args:
        index: its number in the strategy's sequence.
        arch: the arch.
        scores: AP of ``easy``, ``medium`` and ``hard``, as fractions.
        backbone_macs: multiply-adds of the backbone at 224x224.
        detector_macs: multiply-adds of the detector at the size that was scored.
        params: parameters of the detector.
        seconds: time that scoring took.
    """

    index: int
    arch: Arch
    scores: dict[str, float]
    backbone_macs: int
    detector_macs: int
    params: int
    seconds: float

    def to_json(self) -> str:
        """One line; :meth:`from_json` reads it."""
        data = asdict(self)
        data['arch'] = self.arch.to_dict()
        return json.dumps(data)

    @classmethod
    def from_json(cls, line: str) -> Candidate:
        """Read a line.

        Raises:
            UserError: the line is not a candidate.
        """
        try:
            data: dict[str, Any] = json.loads(line)
            data['arch'] = Arch.from_dict(data['arch'])
            return cls(**data)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f'not a scored candidate: {line[:80]!r}') from error


class ResultsFile:
    """Candidates of one search, in a JSON-lines file that is only ever appended to.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def read(self) -> list[Candidate]:
        """All candidates. A last line that was cut off by a kill is removed from the file.

        Raises:
            UserError: another line is damaged; it names file and line.
        """
        return list(self._read()) if self.path.exists() else []

    def _read(self) -> Iterator[Candidate]:
        text = self.path.read_text(encoding='utf-8', errors='replace')
        complete, newline, torn = text.rpartition('\n')
        if torn:
            with atomic_write(self.path) as path:
                path.write_text(complete + newline)
        for number, line in enumerate(complete.splitlines(), 1):
            try:
                yield Candidate.from_json(line)
            except UserError as error:
                raise UserError(
                    f'{self.path} line {number} is {error}; remove the line and resume'
                ) from error

    def append(self, candidate: Candidate) -> None:
        """Write one candidate and wait until it is on the disk.

        Raises:
            UserError: the disk is full or the file cannot be written to.
        """
        try:
            with self.path.open('a', encoding='utf-8') as file:
                file.write(candidate.to_json() + '\n')
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(
                f'cannot write to {self.path}: {error.strerror}; make room and resume, all earlier '
                f'results are intact'
            ) from error
