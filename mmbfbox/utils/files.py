"""Writing files so that nothing half-written is ever seen under the final name."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmbfbox.errors import UserError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class DiskFullError(UserError):
    """There is no room for a file.

    Args:
        path: the file.
        strerror: what the system says.
    """

    def __init__(self, path: Path, strerror: str | None) -> None:
        super().__init__(f'cannot write {path}: {strerror}; make room and run again')
        self.strerror = strerror


@contextmanager
def atomic_write(path: str | Path, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; rename it to ``path`` when the block succeeds.

    The temporary name keeps the suffix, because image writers choose the format by it.
    If the block raises, the temporary file is removed and ``path`` is left as it was.

    Args:
        path: the file to write.
        durable: wait until the file and its name are on the disk, so that a power failure cannot
            leave an empty file under the name.

    Raises:
        UserError: the folder cannot be created or written to, or the name is that of a folder.
        DiskFullError: the disk is full.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / 'note.txt'
        >>> with atomic_write(path) as temporary:
        ...     _ = temporary.write_text('whole')
        ...     path.exists()
        False
        >>> path.read_text()
        'whole'
    """
    path = Path(path)
    make_writable_dir(path.parent)
    if path.is_dir():
        raise UserError(
            f'{path} is a folder, and a file is to be written there; move the folder away'
        )
    with _one_sentence_if_full(path):
        handle, name = tempfile.mkstemp(
            dir=path.parent, prefix=f'.{path.stem}-', suffix=path.suffix
        )
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            # mkstemp makes private files; what we publish follows the user's umask.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            if durable:
                _flush(temporary)
            temporary.replace(path)
            if durable:
                _flush(path.parent)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def _one_sentence_if_full(path: Path) -> Iterator[None]:
    """Turn the system's error of a full disk, and no other one, into ours."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise DiskFullError(path, error.strerror) from error


def remove_temporaries(path: Path) -> None:
    """Remove what :func:`atomic_write` left behind for ``path`` (a pattern) when it was killed."""
    for temporary in path.parent.glob(f'.{path.stem}-????????{path.suffix}'):
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    """Write a file or folder through to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_writable_dir(path: str | Path) -> Path:
    """Create ``path`` if needed and return it.

    Raises:
        UserError: it cannot be created or written to.
    """
    path = Path(path)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f'cannot create the folder {path}: {error.strerror}; choose another one'
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise UserError(
            f'the folder {path} is not writable; choose another one or change its rights'
        )
    return path
