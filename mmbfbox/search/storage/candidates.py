"""Every scored candidate is one line of JSON; nothing that was scored is ever lost."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.artifacts.search import SEARCH_FILE, SearchFile
from mmbfbox.errors import UserError


class CandidatesFile:
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
                yield Candidate.from_json(line, f'{self.path} line {number}')
            except UserError:
                if number < len(complete):
                    raise

    def repair(self) -> None:
        """Remove a damaged last line; only for the process that appends, before its first line."""
        if not self.path.exists():
            return
        content = self.path.read_bytes()
        end = content.rfind(b'\n') + 1
        last = content[content.rfind(b'\n', 0, max(end - 1, 0)) + 1 : end]
        try:
            if last:
                Candidate.from_json(last.decode(errors='replace'), self.path)
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


def candidates_files(work_dir: str | Path) -> list[CandidatesFile]:
    """The files of all processes that have searched in a work dir, in a fixed order."""
    return [CandidatesFile(path) for path in sorted(Path(work_dir).glob('candidates*.jsonl'))]


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
        metric: the score that orders them, ``'easy'``, ``'medium'`` or ``'hard'``.
    """
    complete = [candidate for candidate in candidates if candidate.complete]
    return sorted(complete, key=lambda candidate: (-candidate.scores[metric], candidate.index))


def read_candidates(work_dir: str | Path) -> list[Candidate]:
    """What all processes have found so far, one entry for each index, by index.

    Stopped and failed candidates are among them: ask :attr:`Candidate.complete`.

    Raises:
        UserError: a line is damaged; it names file and line.
    """
    return merge(candidate for file in candidates_files(work_dir) for candidate in file.read())


def read_work_dir(work_dir: str | Path) -> tuple[SearchFile, list[Candidate]]:
    """A search's work dir, which is not changed and may be in use.

    Returns:
        What was searched, and what :func:`read_candidates` gives.

    Raises:
        UserError: there is no search, or its files are damaged.
    """
    path = Path(work_dir) / SEARCH_FILE
    if not path.exists():
        raise UserError(
            f'there is no search in {work_dir} (no {SEARCH_FILE}); give the work dir of tools/search.py'
        )
    return SearchFile.read(path), read_candidates(work_dir)
