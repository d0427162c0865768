"""The one reader of text files that others wrote, and the files that their systems left beside them."""

from __future__ import annotations

import codecs
from pathlib import Path

from mmbfbox.errors import UserError

_LEFT_BY_SYSTEMS = frozenset({'__MACOSX', 'Thumbs.db', 'desktop.ini'})


def decode_text(data: bytes, path: str | Path) -> str:
    """UTF-8 as text, without a byte order mark and with ``\\n`` as the only line end.

    Raises:
        UserError: it is no UTF-8.
    """
    try:
        text = data.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        given = 'UTF-16' if utf16 else f'no UTF-8 (byte {error.start})'
        raise UserError(
            f'{path} cannot be read as text: it is {given}; save it as UTF-8'
        ) from error
    return text.replace('\r\n', '\n').replace('\r', '\n')


def read_text(path: str | Path) -> str:
    """The content of a text file, see :func:`decode_text`.

    Raises:
        UserError: it cannot be read or is no UTF-8.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UserError(f'{path} cannot be read: {error.strerror}; check the path') from error
    return decode_text(data, path)


def read_lines(path: str | Path) -> list[str]:
    """The lines of a text file, without their ends; entry ``i`` is line ``i + 1``.

    Only line ends divide lines: ``str.splitlines`` would also divide at form feeds and others that
    may stand in a name.

    Raises:
        UserError: as in :func:`read_text`.
    """
    lines = read_text(path).split('\n')
    return lines if lines[-1] else lines[:-1]


def is_left_by_system(name: str) -> bool:
    """Whether a file or folder is one that systems and notebooks leave among the user's own.

    ``.DS_Store``, ``._photo.jpg``, ``.ipynb_checkpoints``, ``__MACOSX``, ``Thumbs.db``, ...
    """
    return name.startswith('.') or name in _LEFT_BY_SYSTEMS
