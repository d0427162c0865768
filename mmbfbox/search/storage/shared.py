"""The results of all processes as a running search sees them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mmbfbox.artifacts.candidate import Candidate
from mmbfbox.search.storage.candidates import candidates_files, merge
from mmbfbox.search.storage.waiting import wait_until_seen


class SharedStorage:
    """All results of a work dir, read again at any time at the cost of what is new.

    Args:
        work_dir: the folder; damaged last lines have been removed.

    Attributes:
        final: index to candidate, as :func:`merge` prefers them.
        at_round_end: index to candidate as it was when its round ended: a candidate that pruning stopped and
            that was scored to the end later is still the stopped one.
    """

    def __init__(self, work_dir: str | Path) -> None:
        self.work_dir = Path(work_dir)
        self.final: dict[int, Candidate] = {}
        self.at_round_end: dict[int, Candidate] = {}
        self._offsets: dict[Path, tuple[int, int]] = {}

    def refresh(self) -> None:
        """Read what any process has written since.

        Raises:
            UserError: a line is damaged; it names file and line.
        """
        for file in candidates_files(self.work_dir):
            offset, number = self._offsets.get(file.path, (0, 0))
            with file.path.open('rb') as lines:
                lines.seek(offset)
                for line in lines:
                    if not line.endswith(b'\n'):
                        break
                    offset, number = offset + len(line), number + 1
                    text = line.decode(errors='replace')
                    self._add(Candidate.from_json(text, f'{file.path} line {number}'))
                    self._offsets[file.path] = offset, number

    def wait_for(self, indices: Collection[int], patience: float) -> None:
        """Refresh until candidates that other processes have written are seen here.

        Args:
            indices: candidates of which there must be a result.
            patience: seconds to wait at most.

        Raises:
            UserError: they do not come, or a line is damaged.
        """

        def missing() -> int:
            self.refresh()
            return len(set(indices) - self.final.keys())

        wait_until_seen(missing, self.work_dir, patience)

    def _add(self, new: Candidate) -> None:
        old = self.final.get(new.index)
        self.final[new.index] = new if old is None else merge([old, new])[0]
        old = self.at_round_end.get(new.index)
        if old is None or old.error is not None or new.stopped is not None:
            self.at_round_end[new.index] = new
