"""Every scored candidate is one line of JSON; nothing that was scored is ever lost."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.space import Arch

HEADER = 'search.json'
"""File of a work dir that says what was searched."""

PLAN = 'plan.json'
"""File of a work dir that says how many candidates are wanted, and what was rejected."""

_OPTIONAL = {'latency_ms': None, 'parts': (), 'stopped': None, 'error': None}


@dataclass(frozen=True)
class Candidate:
    """An arch that a search has dealt with.

    Args:
        index: its number in the strategy's sequence.
        arch: the arch.
        scores: AP of ``easy``, ``medium`` and ``hard``, as fractions. Of a stopped candidate those of
            the images that it has seen; empty if it failed.
        backbone_macs: multiply-adds of the backbone at 224x224.
        detector_macs: multiply-adds of the detector at the size that was scored.
        params: parameters of the detector.
        seconds: time that scoring took.
        latency_ms: measured time of one image on the device of the search, if it was measured.
        parts: pairs of (images scored so far, AP so far by the search's metric), if racing noted them.
        stopped: after how many images racing stopped it.
        error: why it could not be scored, as one line.
    """

    index: int
    arch: Arch
    scores: dict[str, float]
    backbone_macs: int
    detector_macs: int
    params: int
    seconds: float
    latency_ms: float | None = None
    parts: tuple[tuple[int, float], ...] = ()
    stopped: int | None = None
    error: str | None = None

    @property
    def complete(self) -> bool:
        """Whether it was scored on all images."""
        return self.stopped is None and self.error is None

    @property
    def costs(self) -> dict[str, float]:
        """The costs that are known, by name."""
        names = ('backbone_macs', 'detector_macs', 'params', 'latency_ms')
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}

    def to_json(self) -> str:
        """One line without what is not known; :meth:`from_json` reads it."""
        data = asdict(self)
        data['arch'] = self.arch.to_dict()
        for name, default in _OPTIONAL.items():
            if data[name] == default:
                del data[name]
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
            data['parts'] = tuple((int(n), float(ap)) for n, ap in data.get('parts', ()))
            return cls(**data)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f'not a scored candidate: {line[:80]!r}') from error


class ResultsFile:
    """Candidates of one process, in a JSON-lines file that is only ever appended to.

    Args:
        path: the file; it need not exist.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def read(self) -> list[Candidate]:
        """All candidates, also while another process appends. A damaged last line is left out.

        Raises:
            UserError: another line is damaged; it names file and line.
        """
        return list(self._read()) if self.path.exists() else []

    def _read(self) -> Iterator[Candidate]:
        lines = self.path.read_text(encoding='utf-8', errors='replace').split('\n')
        # What follows the last newline is being written, or was when the process was killed.
        complete = lines[:-1]
        for number, line in enumerate(complete, 1):
            try:
                yield Candidate.from_json(line)
            except UserError as error:
                if number < len(complete):
                    raise UserError(
                        f'{self.path} line {number} is {error}; remove the line and run again'
                    ) from error

    def repair(self) -> None:
        """Remove a damaged last line; only for the process that appends, before its first line."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        end = content.rfind(b'\n') + 1
        last = content[content.rfind(b'\n', 0, max(end - 1, 0)) + 1 : end]
        try:
            if last:
                Candidate.from_json(last.decode(errors='replace'))
        except UserError:
            end -= len(last)
        if end < len(content):
            os.truncate(self.path, end)

    def append(self, candidate: Candidate) -> None:
        """Write one candidate and wait until it is on the disk.

        Raises:
            UserError: the disk is full or the file cannot be written to.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        try:
            with self.path.open('ab') as file:
                file.write(candidate.to_json().encode() + b'\n')
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            if self.path.exists():
                os.truncate(self.path, size)
            raise UserError(
                f'cannot write to {self.path}: {error.strerror}; make room and run again, all '
                f'earlier results are intact'
            ) from error


def results_files(work_dir: str | Path) -> list[ResultsFile]:
    """The files of all processes that have searched in a work dir, in a fixed order."""
    return [ResultsFile(path) for path in sorted(Path(work_dir).glob('candidates*.jsonl'))]


def merge(candidates: Iterable[Candidate]) -> list[Candidate]:
    """One entry for each index, by index: the complete one before a stopped or a failed one."""
    merged: dict[int, Candidate] = {}
    for candidate in candidates:
        earlier = merged.get(candidate.index)
        if earlier is None or _worth(candidate) > _worth(earlier):
            merged[candidate.index] = candidate
    return [merged[index] for index in sorted(merged)]


def _worth(candidate: Candidate) -> int:
    return 2 if candidate.complete else 1 if candidate.error is None else 0


def best_first(candidates: Iterable[Candidate], metric: str) -> list[Candidate]:
    """Those scored on all images, the best first; of equal ones the earlier.

    Args:
        candidates: in any order.
        metric: the score that ranks, ``'easy'``, ``'medium'`` or ``'hard'``.
    """
    complete = [candidate for candidate in candidates if candidate.complete]
    return sorted(complete, key=lambda candidate: (-candidate.scores[metric], candidate.index))


def read_candidates(work_dir: str | Path) -> list[Candidate]:
    """What all processes have found so far, one entry for each index, by index.

    Stopped and failed candidates are among them: ask :attr:`Candidate.complete`.

    Raises:
        UserError: a line is damaged; it names file and line.
    """
    return merge(candidate for file in results_files(work_dir) for candidate in file.read())


def read_results(work_dir: str | Path) -> tuple[dict[str, Any], list[Candidate]]:
    """A search's work dir, which is not changed and may be in use.

    Returns:
        What was searched (:data:`HEADER`: space, strategy, seed, supernet, limits and so on), and
        what :func:`read_candidates` gives.

    Raises:
        UserError: there is no search, or its files are damaged.
    """
    path = Path(work_dir) / HEADER
    try:
        header: dict[str, Any] = dict(json.loads(path.read_text()))
    except OSError as error:
        raise UserError(
            f'there is no search in {work_dir} (no {HEADER}); give the work dir of tools/search.py'
        ) from error
    except (ValueError, TypeError) as error:
        raise UserError(f'{path} is damaged; search again in another work dir') from error
    return header, read_candidates(work_dir)
