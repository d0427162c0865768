"""The folder of a search: whose it is, and that only one search is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import Any

from mmbfbox.artifacts.search import SEARCH_FILE, SearchFile
from mmbfbox.errors import UserError
from mmbfbox.search.distributed import Processes
from mmbfbox.search.identity import complete
from mmbfbox.search.storage.candidates import candidates_files
from mmbfbox.utils.files import make_writable_dir

LOCK = '.search.lock'


@contextmanager
def opened(folder: str | Path, identity: SearchFile, processes: Processes) -> Iterator[Path]:
    """Use a work dir for one search, shared by its processes.

    Args:
        folder: it is created.
        identity: what scores and candidates depend on; it must be the same whenever the search is run
            again.
        processes: the processes of this search; process 0 opens the folder for all.

    Raises:
        UserError: the folder cannot be used, belongs to another search, or another one is running.
    """
    folder = Path(folder)
    if processes.rank == 0:
        make_writable_dir(folder)
        with (folder / LOCK).open('w') as lock:

            def prepare() -> None:
                _lock(lock.fileno(), LOCK_EX | LOCK_NB, folder)
                claim(folder, identity)
                for file in candidates_files(folder):
                    file.repair()
                _lock(lock.fileno(), LOCK_SH, folder)

            processes.first('work dir', prepare)
            yield folder
    else:
        processes.first('work dir', lambda: None)
        with (folder / LOCK).open('a') as lock:
            _lock(lock.fileno(), LOCK_SH | LOCK_NB, folder)
            yield folder


def claim(folder: Path, identity: SearchFile) -> None:
    """Write what is searched, or make sure that the file that is there says the same.

    A file of an earlier version is written anew, as today's.

    Raises:
        UserError: it is damaged or names another search.
    """
    path = folder / SEARCH_FILE
    # Through JSON and back, so that tuples compare equal to lists.
    identity = SearchFile.from_json(identity.to_json(), path)
    if not path.exists():
        if candidates_files(folder):
            raise UserError(
                f'{folder} holds candidates without {SEARCH_FILE}, which says what they are; choose '
                f'another work dir'
            )
        identity.write(path)
        return
    earlier = SearchFile.read(path)
    there, here = _flat(complete(earlier, identity).to_plain()), _flat(identity.to_plain())
    different = [
        f'{key} (there {there.get(key)!r}, here {here.get(key)!r})'
        for key in sorted({*there, *here})
        if there.get(key) != here.get(key)
    ]
    if different:
        raise UserError(
            f'{folder} holds another search, which differs in {"; ".join(different)}; choose another '
            f'work dir'
        )
    if earlier != identity:
        identity.write(path)


def _flat(settings: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Dotted key to value."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f'{prefix}{key}.')
        else:
            flat[prefix + key] = value
    return flat


def _lock(descriptor: int, kind: int, folder: Path) -> None:
    try:
        flock(descriptor, kind)
    except BlockingIOError as error:
        raise UserError(
            f'another search is running in {folder}; wait for it or stop it, or choose another work dir'
        ) from error
    except OSError:
        pass  # a file system without locks
