"""The folder of a search: whose it is, and that only one search is in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import Any

from mmbfbox.errors import UserError
from mmbfbox.search.distributed import Ranks
from mmbfbox.search.storage.candidates import HEADER, PLAN, results_files
from mmbfbox.utils.files import atomic_write, make_writable_dir

LOCK = '.search.lock'


@contextmanager
def opened(folder: str | Path, identity: Mapping[str, Any], ranks: Ranks) -> Iterator[Path]:
    """Use a work dir for one search, shared by its ranks.

    Args:
        folder: it is created.
        identity: plain values that scores and candidates depend on; they must be the same whenever the
            search is run again.
        ranks: the processes of this search; rank 0 opens the folder for all.

    Raises:
        UserError: the folder cannot be used, belongs to another search, or another one is running.
    """
    folder = Path(folder)
    if ranks.rank == 0:
        make_writable_dir(folder)
        with (folder / LOCK).open('w') as lock:

            def prepare() -> None:
                _lock(lock.fileno(), LOCK_EX | LOCK_NB, folder)
                claim(folder, identity)
                for file in results_files(folder):
                    file.repair()
                _lock(lock.fileno(), LOCK_SH, folder)

            ranks.first('work dir', prepare)
            yield folder
    else:
        ranks.first('work dir', lambda: None)
        with (folder / LOCK).open('a') as lock:
            _lock(lock.fileno(), LOCK_SH | LOCK_NB, folder)
            yield folder


def claim(folder: Path, identity: Mapping[str, Any]) -> None:
    """Write the header, or make sure that the one that is there says the same.

    Raises:
        UserError: it is damaged or names another search.
    """
    header = folder / HEADER
    # Through JSON and back, so that tuples compare equal to lists.
    identity = json.loads(json.dumps(identity))
    if not header.exists():
        if results_files(folder):
            raise UserError(
                f'{folder} holds candidates without {HEADER}, which says what they are; choose another '
                f'work dir'
            )
        with atomic_write(header) as path:
            path.write_text(json.dumps(identity, indent=2) + '\n')
        return
    try:
        earlier = dict(json.loads(header.read_text()))
    except (ValueError, TypeError) as error:
        raise UserError(f'{header} is damaged; search in another work dir') from error
    different = [
        f'{key} (there {earlier.get(key)!r}, here {identity.get(key)!r})'
        for key in sorted({*earlier, *identity})
        if earlier.get(key) != identity.get(key)
    ]
    if different:
        raise UserError(
            f'{folder} holds another search, which differs in {"; ".join(different)}; choose another '
            f'work dir'
        )


def write_plan(folder: Path, wanted: int, planned: int, rejected: Mapping[str, int]) -> None:
    """Note how far a search has got with its plan, for the report.

    Args:
        folder: the work dir.
        wanted: how many candidates were asked for.
        planned: how many of them are chosen.
        rejected: how many proposals were turned away before scoring, by reason.
    """
    with atomic_write(folder / PLAN) as path:
        plan = dict(wanted=wanted, planned=planned, rejected=dict(rejected))
        path.write_text(json.dumps(plan) + '\n')


def fingerprint(value: bytes | Sequence[str] | Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits of a file's content, a list of names, or plain settings."""
    if isinstance(value, Mapping):
        data = json.dumps(value, sort_keys=True, default=str).encode()
    else:
        data = value if isinstance(value, bytes) else '\n'.join(value).encode()
    return hashlib.sha256(data).hexdigest()[:12]


def _lock(descriptor: int, kind: int, folder: Path) -> None:
    try:
        flock(descriptor, kind)
    except BlockingIOError as error:
        raise UserError(
            f'another search is running in {folder}; wait for it or stop it, or choose another work dir'
        ) from error
    except OSError:
        pass  # a file system without locks
