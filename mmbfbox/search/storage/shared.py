"""The results of all ranks as a running search sees them."""

from __future__ import annotations

from pathlib import Path

from mmbfbox.errors import UserError
from mmbfbox.search.storage.candidates import Candidate, merge, results_files


class Ledger:
    """All results of a work dir, read again at any time at the cost of what is new.

    Args:
        work_dir: the folder; damaged last lines have been removed.

    Attributes:
        final: index to candidate, as :func:`merge` prefers them.
        raced: index to candidate as it was when its round ended: a candidate that racing stopped and
            that was scored to the end later is still the stopped one.
    """

    def __init__(self, work_dir: str | Path) -> None:
        self.work_dir = Path(work_dir)
        self.final: dict[int, Candidate] = {}
        self.raced: dict[int, Candidate] = {}
        self._offsets: dict[Path, tuple[int, int]] = {}

    def refresh(self) -> None:
        """Read what any rank has written since.

        Raises:
            UserError: a line is damaged; it names file and line.
        """
        for file in results_files(self.work_dir):
            offset, number = self._offsets.get(file.path, (0, 0))
            with file.path.open('rb') as lines:
                lines.seek(offset)
                for line in lines:
                    if not line.endswith(b'\n'):
                        break
                    offset, number = offset + len(line), number + 1
                    try:
                        self._add(Candidate.from_json(line.decode(errors='replace').rstrip()))
                    except UserError as error:
                        raise UserError(
                            f'{file.path} line {number} is {error}; remove the line and run again'
                        ) from error
                    self._offsets[file.path] = offset, number

    def _add(self, new: Candidate) -> None:
        old = self.final.get(new.index)
        self.final[new.index] = new if old is None else merge([old, new])[0]
        old = self.raced.get(new.index)
        if old is None or old.error is not None or new.stopped is not None:
            self.raced[new.index] = new
